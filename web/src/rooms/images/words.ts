// Sentences about the image on the stage and about the answer to it.

import type { Classification, Vocab } from '../../gen';
import { many, percent } from '../../run/format';
import type { Measured, MeasuredSplit } from './measuring.svelte';
import type { Subject } from './request';
import { accuracyOf, bestOf } from './scores';
import { readsDigits, type Shape } from './shape';
import { className, columnsOf, type Heat, type Overlay } from './steps';

const SPLITS: Record<MeasuredSplit | 'train', string> = {
  train: 'Training image',
  val: 'Validation image',
  test: 'Test image',
};

/** What the images of a split are called together. */
export const splitName = (split: keyof typeof SPLITS): string => `${SPLITS[split]}s`;

/** The place of an image in its split. `count`: images in the split, where that is known. */
export function placeOf(index: number, count: number | null): string {
  const [number, all] = [index + 1, count ?? 0].map((one) => one.toLocaleString('en-US'));
  // An address may name any number.
  const of = count === null ? '' : index < count ? ` of ${all}` : ` (there are ${all})`;
  return `${number}${of}`;
}

/** Where the image comes from. `count`: images in its split, where that is known. */
export function aboutSubject(subject: Subject, shape: Shape, count: number | null): string {
  const pixels = `${shape.size}×${shape.size} pixels`;
  switch (subject.kind) {
    case 'drawing':
      return readsDigits(shape)
        ? `Your drawing in ${pixels}: each counts the ink in a block of 4×4.`
        : `Your drawing in ${pixels}.`;
    case 'stored':
      return `${SPLITS[subject.split]} ${placeOf(subject.index, count)}, ${pixels}.`;
    case 'picture':
      return `The centre of “${subject.picture.name}” in ${pixels}${subject.invert ? ', colours inverted' : ''}.`;
    default:
      return subject satisfies never;
  }
}

/** What the patches of a step show, and which is the strongest. `steps`: how many there are. */
export function aboutHeat(heat: Heat, overlay: Overlay, step: number, steps: number): string {
  const { row, col, value } = heat.strongest;
  const place = `row ${row + 1}, column ${col + 1}`;
  const when = steps > 1 ? ` in outer step ${step}` : '';
  return overlay === 'attention'
    ? `Attention of the class token${when}; most to the patch in ${place} (${percent(value)}).`
    : `Change of each patch’s ${steps > 1 ? 'answer ' : ''}state${when}; most in ${place} (${value.toFixed(2)} RMS).`;
}

/** The answer after an outer step, and whether it is right. */
export function verdict(answer: Classification, step: number, vocab: Vocab | undefined): string {
  const { steps, image } = answer;
  const column = columnsOf(answer)[step - 1];
  if (!column) return '';
  const name = (index: number) => className(vocab, index);
  const after = steps.length > 1 ? `After outer step ${step} of ${steps.length}: ` : 'Answer: ';
  const truth =
    image.label === null
      ? ''
      : image.label === column.top
        ? ', which is right'
        : `; the correct class is ${name(image.label)}`;
  return `${after}${name(column.top)} (${percent(column.prob)})${truth}.`;
}

/** In which steps the answer changed. */
export function flips(answer: Classification): string {
  const { steps } = answer;
  if (steps.length < 2) return 'This model answers in one step.';
  const changed = columnsOf(answer).filter(({ flipped }) => flipped);
  if (changed.length === 0) return 'The answer stays the same in all outer steps.';
  const list = changed.map(({ step }) => step).join(', ');
  return `The answer changes in outer ${changed.length === 1 ? 'step' : 'steps'} ${list}.`;
}

/** Accuracy as trained, at the best outer step, and how the model was run. */
export function accuracyWords({ scores, beyond, inner, outer }: Measured, trained: number): string {
  const share = (top1: number) => `${(100 * top1).toFixed(1)} %`;
  const wrong = scores.mistakes.length;
  const after = scores.steps.length > 1 ? ` after outer step ${outer}` : '';
  const first = `${share(accuracyOf(scores))} of ${many(scores.images, 'image')} are classified correctly${after}; ${many(wrong, 'is', 'are')} not.`;
  const best = bestOf(beyond ?? []);
  if (!best || !beyond) return first;
  const last = beyond.at(-1);
  const more =
    last && best.top1 === accuracyOf(scores)
      ? `No other number of outer steps up to ${last.step} is better.`
      : `The best is outer step ${best.step} (${share(best.top1)}).`;
  return `${first} ${more} Inner steps: ${inner}; trained with ${many(trained, 'outer step')}.`;
}
