// The two rooms: what each is for, and how to get from one to the other.

import type { VariantSpec } from '../gen';
import type { RoomName } from '../worker/protocol';

export type Variant = VariantSpec['variant'];

/** The room in which a model is at home. */
export const ROOM_OF: Readonly<Record<Variant, RoomName>> = {
  chat_trm: 'language',
  chunk_lm: 'language',
  trm_lm: 'language',
  trm: 'puzzles',
};

interface Way {
  /** Beside the page at hand. */
  readonly page: string;
  readonly words: string;
}

/** From each room to the other one. */
export const OTHER: Readonly<Record<RoomName, Way>> = {
  language: { page: 'puzzles.html', words: 'Open it in the puzzle room' },
  puzzles: { page: './', words: 'Open it where language models are' },
};

const WHAT: Readonly<Record<RoomName, string>> = {
  language: 'writes text',
  puzzles: 'solves puzzles',
};

/** Why a model cannot be opened in a room, in words. */
export function stranger(variant: Variant): { message: string; hint: string } {
  return {
    message: `This model ${WHAT[ROOM_OF[variant]]}, so it belongs in the other room.`,
    hint: 'What is at hand here stays as it is.',
  };
}

/** Headers larger than this are none; the native program refuses them too. */
const LARGEST_HEADER = 100e6;

/** What kind of model a checkpoint holds; `null` where its header does not say so. */
export function variantOf(checkpoint: Uint8Array): Variant | null {
  if (checkpoint.length < 8) return null;
  const view = new DataView(checkpoint.buffer, checkpoint.byteOffset, checkpoint.byteLength);
  const length = Number(view.getBigUint64(0, true));
  if (length > Math.min(LARGEST_HEADER, checkpoint.length - 8)) return null;
  const header = parsed(new TextDecoder().decode(checkpoint.subarray(8, 8 + length)));
  const config = field(field(header, '__metadata__'), 'config');
  const variant = field(
    field(typeof config === 'string' ? parsed(config) : null, 'model'),
    'variant',
  );
  return isVariant(variant) ? variant : null;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function field(value: unknown, name: string): unknown {
  const fields = typeof value === 'object' && value !== null ? Object.entries(value) : [];
  return fields.find(([key]) => key === name)?.[1];
}

function isVariant(value: unknown): value is Variant {
  return typeof value === 'string' && Object.hasOwn(ROOM_OF, value);
}
