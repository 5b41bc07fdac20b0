// Accuracy on held-out images as lines: by training step, and by outer step.

import type { ImageStepScore } from '../../gen';
import type { Scored } from '../../run/state';
import type { Spot } from '../../ui/draw/shares';

/** The share of images that is right after the last outer step. */
export function accuracyOf({ steps }: Pick<Scored, 'steps'>): number {
  return steps.at(-1)?.top1 ?? 0;
}

/** The share of images that is right after an outer step; of fewer, after the last. */
export function accuracyAt({ steps }: Pick<Scored, 'steps'>, step: number): number {
  return (steps.find((each) => each.step === step) ?? steps.at(-1))?.top1 ?? 0;
}

/** Accuracy after the last outer step, by steps of training. */
export function learned(scored: readonly Scored[]): Spot[] {
  return scored.map((each) => ({ x: each.step, y: accuracyOf(each) }));
}

/** Accuracy after the first outer step, by steps of training. */
export function learnedFirst(scored: readonly Scored[]): Spot[] {
  return scored.map(({ step, steps }) => ({ x: step, y: steps[0]?.top1 ?? 0 }));
}

/** Accuracy by outer step. */
export function byStep(steps: readonly ImageStepScore[]): Spot[] {
  return steps.map(({ step, top1 }) => ({ x: step, y: top1 }));
}

/** An axis of accuracies that near 100 % can be told apart: where it begins, from 0 to 1. */
export function floorOf(spots: readonly Spot[]): number {
  const lowest = Math.min(1, ...spots.map(({ y }) => y));
  return [0.9, 0.75, 0.5].find((floor) => lowest >= floor + 0.01) ?? 0;
}

/** The outer step with the best accuracy, the first of equal ones. */
export function bestOf(steps: readonly ImageStepScore[]): ImageStepScore | null {
  return steps.reduce<ImageStepScore | null>(
    (best, each) => (best && best.top1 >= each.top1 ? best : each),
    null,
  );
}
