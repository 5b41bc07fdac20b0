// The ranges of numbers that a field or an address may give, and how they are said. The
// engine checks how settings go together; these keep single values within what it can
// compute with, 32-bit sizes included.

import type { Setting } from '../gen';
import { bytes } from './format';

export interface Range {
  readonly least: number;
  readonly most: number;
  readonly whole: boolean;
}

/** By key; other whole numbers reach `MOST_WHOLE`. */
const RANGES: Readonly<Record<string, readonly [number, number]>> = {
  hidden_size: [1, 4096],
  num_heads: [1, 256],
  n_layers: [1, 64],
  recursion_steps: [1, 64],
  h_cycles: [1, 64],
  l_cycles: [1, 64],
  halt_max_steps: [1, 64],
  inner_steps: [1, 64],
  outer_steps: [1, 64],
  block_size: [1, 4096],
  seq_len: [1, 4096],
  chunk_size: [1, 256],
  expansion: [0, 64],
  image_size: [1, 512],
  patch_size: [1, 512],
  num_channels: [1, 4],
  batch_size: [1, 4096],
  gradient_accumulation_steps: [1, 4096],
  max_iters: [0, 1_000_000_000],
  eval_interval: [0, 1_000_000_000],
  learning_rate: [0, 1],
  min_lr: [0, 1],
  dropout: [0, 0.99],
  beta1: [0, 1],
  beta2: [0, 1],
  ema_decay: [0, 1],
  muon_momentum: [0, 1],
  halt_exploration_prob: [0, 1],
  val_fraction: [0, 0.99],
  num_puzzles: [1, 100_000],
  num_val_puzzles: [0, 10_000],
  num_aug: [0, 1000],
  seed: [0, 2 ** 53 - 1],
};

const MOST_WHOLE = 1e9;

/** The range of a setting that is a number; `null` for another one. */
export function rangeOf({ key, kind }: Pick<Setting, 'key' | 'kind'>): Range | null {
  if (kind !== 'integer' && kind !== 'number') return null;
  const whole = kind === 'integer';
  const [least, most] = RANGES[key] ?? (whole ? [0, MOST_WHOLE] : [-Infinity, Infinity]);
  return { least, most, whole };
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
  const show = (n: number) => n.toLocaleString('en-US', { maximumFractionDigits: 6 });
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
