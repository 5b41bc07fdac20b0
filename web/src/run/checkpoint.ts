// The header of a checkpoint: what a `.safetensors` file says of itself before its
// tensors. The only reader of it on the page; models have their present names.

import { modelOf, type Variant } from '../gen';

export interface CheckpointHeader {
  /** Which model it holds; `null` where it does not say, or says one that is unknown here. */
  readonly variant: Variant | null;
  /** The configuration as it was written, with the model under its present name. */
  readonly config: Readonly<Record<string, unknown>>;
  /** The frozen base that belongs to it; `null` where it needs none. */
  readonly base: NamedBase | null;
}

/** A frozen base, as a checkpoint names it. */
export interface NamedBase {
  readonly name: string;
  /** Digest of its file. */
  readonly sha256: string;
}

/** Headers larger than this are none; the native program refuses them too. */
const LARGEST_HEADER = 100e6;

/** `null` where the file is no checkpoint of this program. */
export function readHeader(checkpoint: Uint8Array): CheckpointHeader | null {
  if (checkpoint.length < 8) return null;
  const view = new DataView(checkpoint.buffer, checkpoint.byteOffset, checkpoint.byteLength);
  const length = Number(view.getBigUint64(0, true));
  if (length > Math.min(LARGEST_HEADER, checkpoint.length - 8)) return null;
  const header = parsed(new TextDecoder().decode(checkpoint.subarray(8, 8 + length)));
  const about = fields(fields(header)['__metadata__']);
  const config = document(about['config']);
  const base = namedBase(document(about['base']));
  const model = fields(config['model']);
  const name = model['variant'];
  const known = typeof name === 'string' ? modelOf(name) : null;
  if (!known) return { variant: null, config, base };
  const present = { ...config, model: { ...model, variant: known.name } };
  return { variant: known.name, config: present, base };
}

/** Which model a checkpoint holds; `null` where its header does not say so. */
export function variantOf(checkpoint: Uint8Array): Variant | null {
  return readHeader(checkpoint)?.variant ?? null;
}

function namedBase({ name, sha256 }: Readonly<Record<string, unknown>>): NamedBase | null {
  return typeof name === 'string' && typeof sha256 === 'string' ? { name, sha256 } : null;
}

/** An entry of the metadata that holds JSON. */
function document(text: unknown): Readonly<Record<string, unknown>> {
  return typeof text === 'string' ? fields(parsed(text)) : {};
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function fields(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
    ? Object.fromEntries(Object.entries(value))
    : {};
}
