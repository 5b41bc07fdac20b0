// A base model of a few thousand numbers as a GGUF file, with a tokenizer of bytes and the
// form of a chat; and the ways in which such a file can be wrong.

/** Sizes of the model, and what is wrong with it. */
export interface TinyBase {
  readonly seed?: number;
  readonly layers?: number;
  /** Tokens of the tokenizer that the embedding lacks. */
  readonly strangers?: number;
  /** The number of the type that the tensors claim to have; 0 is F32. */
  readonly type?: number;
  /** Bytes of the file at least; what follows the tensors is not read. */
  readonly size?: number;
}

const [DIM, HEADS, KV_HEADS, INNER, CONTEXT] = [32, 4, 2, 64, 512];
const SPECIAL = ['<|endoftext|>', '<|im_start|>', '<|im_end|>'];
const TEXT = 8;

/** The letters that stand for bytes in GPT-2's vocabulary. */
function byteLetters(): string[] {
  const shown = (byte: number) =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  let hidden = 256;
  return [...Array(256).keys()].map((byte) => String.fromCodePoint(shown(byte) ? byte : hidden++));
}

export function tinyBase({
  seed = 1,
  layers = 2,
  strangers = 0,
  type = 0,
  size = 0,
}: TinyBase = {}): Buffer {
  const tokens = [...SPECIAL, ...byteLetters()];
  const rows = tokens.length;
  for (let i = 0; i < strangers; i += 1) tokens.push(`<stranger ${i}>`);
  const keys: Buffer[] = [];
  const key = (name: string, kind: number, value: Buffer) =>
    keys.push(Buffer.concat([text(name), u32(kind), value]));
  const list = (name: string, kind: number, values: Buffer[]) =>
    key(name, 9, Buffer.concat([u32(kind), u64(values.length), ...values]));

  key('general.architecture', TEXT, text('llama'));
  const head = DIM / HEADS;
  for (const [name, value] of Object.entries({
    ...{ block_count: layers, context_length: CONTEXT, embedding_length: DIM },
    ...{ feed_forward_length: INNER, 'attention.head_count': HEADS },
    ...{ 'attention.head_count_kv': KV_HEADS, 'rope.dimension_count': head },
  })) {
    key(`llama.${name}`, 4, u32(value));
  }
  key('llama.attention.layer_norm_rms_epsilon', 6, f32([1e-5]));
  key('tokenizer.ggml.model', TEXT, text('gpt2'));
  key('tokenizer.ggml.pre', TEXT, text('smollm'));
  list('tokenizer.ggml.tokens', TEXT, tokens.map(text));
  const kinds = tokens.map((_, i) => u32(i < SPECIAL.length ? 3 : 1));
  list('tokenizer.ggml.token_type', 4, kinds);
  list('tokenizer.ggml.merges', TEXT, []);

  const shapes: Record<string, number[]> = { 'token_embd.weight': [rows, DIM] };
  for (let layer = 0; layer < layers; layer += 1) {
    const parts = {
      ...{ attn_norm: [DIM], attn_q: [DIM, DIM], attn_k: [KV_HEADS * head, DIM] },
      ...{ attn_v: [KV_HEADS * head, DIM], attn_output: [DIM, DIM], ffn_norm: [DIM] },
      ...{ ffn_gate: [INNER, DIM], ffn_up: [INNER, DIM], ffn_down: [DIM, INNER] },
    };
    for (const [part, shape] of Object.entries(parts)) {
      shapes[`blk.${layer}.${part}.weight`] = shape;
    }
  }
  shapes['output_norm.weight'] = [DIM];

  const next = random(seed);
  const [entries, data]: [Buffer[], Buffer[]] = [[], []];
  let offset = 0;
  for (const [name, shape] of Object.entries(shapes)) {
    const norm = shape.length === 1;
    const count = shape.reduce((product, each) => product * each, 1);
    const scale = 2 / Math.sqrt(shape.at(-1)!);
    const numbers = Array.from({ length: count }, () => (norm ? 1 : scale * next()));
    const sizes = [...shape].reverse().map(u64);
    entries.push(Buffer.concat([text(name), u32(shape.length), ...sizes, u32(type), u64(offset)]));
    const bytes = padded(f32(numbers));
    data.push(bytes);
    offset += bytes.length;
  }
  const head0 = [Buffer.from('GGUF'), u32(3), u64(entries.length), u64(keys.length)];
  const file = Buffer.concat([padded(Buffer.concat([...head0, ...keys, ...entries])), ...data]);
  return Buffer.concat([file, Buffer.alloc(Math.max(0, size - file.length))]);
}

/** Numbers around 0, the same for a seed. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 31 - 1;
  };
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([u64(bytes.length), bytes]);
}

const f32 = (values: number[]): Buffer => Buffer.from(new Float32Array(values).buffer);

const padded = (bytes: Buffer): Buffer =>
  Buffer.concat([bytes, Buffer.alloc((32 - (bytes.length % 32)) % 32)]);
