// A classification by outer step: which classes are shown, how probable each is, and where
// the first place changed.

import type { Classification, ClassStep, Vocab } from '../../gen';

/** Classes of which all are shown; of more, only the most probable ones. */
const ALL = 12;
const MOST = 10;

/** The name of a class. */
export function className(vocab: Vocab | undefined, index: number): string {
  return (vocab?.kind === 'classes' ? vocab.names[index] : undefined) ?? String(index);
}

/** Whether the classes are the digits. */
export function tellsDigits(vocab: Vocab | undefined): boolean {
  return vocab?.kind !== 'classes' || vocab.names.every((name) => /^\d$/.test(name));
}

/** The classes that are shown in every step: all, or the most probable of any step. */
export function shownClasses({ steps }: Pick<Classification, 'steps'>): number[] {
  const all = [...(steps[0]?.prob.keys() ?? [])];
  if (all.length <= ALL) return all;
  const best = (index: number) => Math.max(...steps.map(({ prob }) => prob[index] ?? 0));
  const sorted = all.map((index) => ({ index, best: best(index) })).sort((a, b) => b.best - a.best);
  return sorted
    .slice(0, MOST)
    .map(({ index }) => index)
    .sort((a, b) => a - b);
}

/** One step as a column of bars. */
export interface StepColumn {
  readonly step: number;
  /** The most probable class and its probability. */
  readonly top: number;
  readonly prob: number;
  /** Whether another class was on top in the step before. */
  readonly flipped: boolean;
  /** Probability of each class that is shown. */
  readonly bars: readonly number[];
}

export function columnsOf({ steps }: Pick<Classification, 'steps'>): StepColumn[] {
  const classes = shownClasses({ steps });
  return steps.map(({ step, argmax, prob }, i) => ({
    ...{ step, top: argmax, prob: prob[argmax] ?? 0 },
    flipped: i > 0 && steps[i - 1]?.argmax !== argmax,
    bars: classes.map((index) => prob[index] ?? 0),
  }));
}

/** A class in one step. */
export interface ClassBar {
  readonly index: number;
  readonly prob: number;
  /** Since the step before; `null` in the first. */
  readonly change: number | null;
}

/** The classes of a step, from 1, the most probable first. */
export function barsAt(
  { steps }: Pick<Classification, 'steps'>,
  step: number,
  most: number,
): ClassBar[] {
  const now = steps[step - 1];
  const before = steps[step - 2];
  if (!now) return [];
  return [...now.prob.entries()]
    .map(([index, prob]) => ({
      ...{ index, prob },
      change: before ? prob - (before.prob[index] ?? 0) : null,
    }))
    .sort((a, b) => b.prob - a.prob)
    .slice(0, most);
}

/** What lies over the picture. */
export type Overlay = 'none' | 'moved' | 'attention';

/** What can be shown of a step; models without recursion or attention have less. */
export function overlaysOf(step: ClassStep | undefined): Overlay[] {
  const found: Overlay[] = ['none'];
  if (step?.moved.length) found.push('moved');
  if (step?.attention.length) found.push('attention');
  return found;
}

/** The strength of each patch, and the strongest one. */
export interface Heat {
  /** Row by row: 0 is the weakest patch of the step, 1 the strongest. */
  readonly shares: readonly number[];
  /** Patches in a row. */
  readonly side: number;
  readonly strongest: { readonly row: number; readonly col: number; readonly value: number };
}

/** `null` where there is nothing to lay over the picture. */
export function heatOf(step: ClassStep | undefined, overlay: Overlay): Heat | null {
  if (!step || overlay === 'none') return null;
  const values = step[overlay];
  const side = Math.round(Math.sqrt(values.length));
  if (side === 0 || side * side !== values.length) return null;
  const [least, value] = [Math.min(...values), Math.max(...values)];
  const at = values.indexOf(value);
  return {
    shares: values.map((each) => (value > least ? (each - least) / (value - least) : 0)),
    side,
    strongest: { row: Math.floor(at / side), col: at % side, value },
  };
}
