// What is said of the accuracy of an image model, and why it is not measured.

import { render } from 'svelte/server';
import { expect, test } from 'vitest';

import { Measuring } from '../src/rooms/images/measuring.svelte';
import Accuracy from '../src/rooms/images/views/Accuracy.svelte';
import { accuracyWords } from '../src/rooms/images/words';

const nothing = () => undefined;
const NONE = 'This model has no images here to be measured on.';

function written(measuring: Measuring, ready: boolean, without: boolean): string {
  const calls = { measure: nothing, split: nothing, choose: nothing, take: nothing };
  const about = { vocab: undefined, trained: 4, step: 0, ready, without };
  return render(Accuracy, { props: { measuring, ...about, ...calls } }).body;
}

test('a model without images is called so once it is there, and not while it loads', () => {
  const measuring = new Measuring();
  expect(written(measuring, false, false)).not.toContain(NONE);
  expect(written(measuring, false, true)).toContain(NONE);
  measuring.ask();
  expect(written(measuring, false, false)).toContain('Measured as soon as the model is loaded.');
  expect(written(measuring, true, false)).toContain('Measuring …');
});

test('accuracy is told of one image and of one step as of many', () => {
  const row = (step: number) => ({ step, loss: 1, top1: 0.5, top5: 1 });
  const mistake = { index: 0, label: 1, predicted: 2 };
  const told = (images: number, mistakes: number, trained: number) =>
    accuracyWords(
      {
        ...{ step: 1, inner: 6, outer: 1, beyond: [row(1), row(2)] },
        scores: {
          ...{ split: 'test', images, steps: [row(1)], confusion: [] },
          mistakes: Array.from({ length: mistakes }, () => mistake),
        },
      },
      trained,
    );
  expect(told(2, 1, 1)).toMatch(/^50\.0 % of 2 images are .*; 1 is not\..* 1 outer step\.$/);
  expect(told(2000, 1000, 4)).toMatch(/ of 2,000 images .*; 1,000 are not\..* 4 outer steps\.$/);
});
