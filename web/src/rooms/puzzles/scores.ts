// Accuracy on held-out puzzles as lines: by training step, by supervision step, and with
// early stopping.

import type { PuzzleScores } from '../../gen';
import type { Spot } from '../../ui/draw/shares';
import type { Judged } from '../../run/state';

/** Puzzles solved after the last step, by steps of training. */
export function learned(judged: readonly Judged[]): Spot[] {
  return judged.map(({ step, scores }) => ({ x: step, y: solvedOf(scores) }));
}

/** Cells that are right after the last step, by steps of training. */
export function cellsLearned(judged: readonly Judged[]): Spot[] {
  return judged.map(({ step, scores }) => ({
    x: step,
    y: scores.steps.at(-1)?.cell_accuracy ?? 0,
  }));
}

/** The share that is solved after the last step. */
export function solvedOf({ steps }: PuzzleScores): number {
  return steps.at(-1)?.exact_accuracy ?? 0;
}

/** Puzzles solved by supervision step. */
export function byStep({ steps }: PuzzleScores): Spot[] {
  return steps.map(({ step, exact_accuracy }) => ({ x: step, y: exact_accuracy }));
}

/** Puzzles solved with early stopping, by average number of steps. */
export function byHalting({ halting }: PuzzleScores): Spot[] {
  const spots = halting.map(({ steps, exact_accuracy }) => ({ x: steps, y: exact_accuracy }));
  return spots.sort((a, b) => a.x - b.x);
}

/** Steps and accuracy with early stopping at the measured threshold nearest to `threshold`. */
export function saving(scores: PuzzleScores, threshold: number): string {
  const all = scores.steps.length;
  const near = scores.halting.toSorted(
    (a, b) => Math.abs(a.threshold - threshold) - Math.abs(b.threshold - threshold),
  )[0];
  if (!near) return '';
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  if (all - near.steps < 0.05)
    return `With early stopping above ${Math.round(100 * near.threshold)} %, it never stops early.`;
  return `With early stopping above ${Math.round(100 * near.threshold)} %: ${near.steps.toFixed(1)} steps on average instead of ${all}, and ${percent(near.exact_accuracy)} solved instead of ${percent(solvedOf(scores))}.`;
}
