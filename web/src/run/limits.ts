// The ranges of numbers that a field or an address may give, and how they are said. Those of
// settings are the engine's, by generation; the page narrows some of them.

import type { Setting } from '../gen';
import { bytes } from './format';

export interface Range {
  readonly least: number;
  readonly most: number;
  readonly whole: boolean;
}

/** By key, the largest value on the page where the engine takes larger ones. */
const MOST: Readonly<Record<string, number>> = {
  // Sizes of tensors: a tab counts their products in 32 bits.
  hidden_size: 4096,
  num_heads: 256,
  n_layers: 64,
  block_size: 4096,
  seq_len: 4096,
  chunk_size: 256,
  image_size: 512,
  patch_size: 512,
  batch_size: 4096,
  // An update and an answer with all its steps are computed without a stop, and the page draws
  // every step.
  recursion_steps: 64,
  halt_max_steps: 64,
  outer_steps: 64,
  inner_steps: 64,
  h_cycles: 64,
  l_cycles: 64,
  gradient_accumulation_steps: 4096,
  // The slider ends there.
  learning_rate: 1,
  min_lr: 1,
  // Puzzles are made before the first update, while the visitor waits.
  num_puzzles: 100_000,
  num_val_puzzles: 10_000,
  num_aug: 1000,
};

/** Of a whole number without a range of its own: the engine in a tab counts in 32 bits. */
const MOST_WHOLE = 1e9;

/** The range of a setting that is a number; `null` for another one. */
export function rangeOf({
  key,
  kind,
  range,
}: Pick<Setting, 'key' | 'kind' | 'range'>): Range | null {
  if (kind !== 'integer' && kind !== 'number') return null;
  const whole = kind === 'integer';
  const [least, most] = range ?? (whole ? [0, MOST_WHOLE] : [-Infinity, Infinity]);
  return { least, most: Math.min(most, MOST[key] ?? Infinity), whole };
}

/** Says that a file is larger than `most` bytes. */
export function tooLargeFor({ name, size }: Pick<File, 'name' | 'size'>, most: number): string {
  return `“${name}” has ${bytes(size)}, and a tab has room for ${bytes(most)}.`;
}

export function within({ least, most, whole }: Range, number: number): boolean {
  return (
    Number.isFinite(number) &&
    number >= least &&
    number <= most &&
    (!whole || Number.isInteger(number))
  );
}

/** A whole number from 1 to 64. */
export function said({ least, most, whole }: Range): string {
  const kind = whole ? 'a whole number' : 'a number';
  // Not rounded: 0.9999999 is not 1.
  const show = (n: number) => (Number.isInteger(n) ? n.toLocaleString('en-US') : String(n));
  if (!Number.isFinite(least) || !Number.isFinite(most)) return kind;
  return `${kind} from ${show(least)} to ${show(most)}`;
}

/** The number that an arrow key leads to: beside the one that is typed, where that is good. */
export function stepped(range: Range, value: number, typed: string | null, by: number): number {
  const from = typed === null || mistake(range, typed) ? value : Number(typed);
  const next = Math.round((from + by * (range.whole ? 1 : 0.1)) * 1e6) / 1e6;
  return Math.min(range.most, Math.max(range.least, next));
}

/** What is wrong with what was typed; `null` where nothing is. */
export function mistake(range: Range, text: string): string | null {
  const number = text.trim() === '' ? NaN : Number(text);
  if (within(range, number)) return null;
  return text.trim() === '' ? `Type ${said(range)}.` : `“${text.trim()}” is not ${said(range)}.`;
}
