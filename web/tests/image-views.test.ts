// What is said of an image and of the answer to it, and of the accuracy of an image model.

import { render } from 'svelte/server';
import { afterEach, expect, test, vi } from 'vitest';

import { Announcement, SETTLED } from '../src/rooms/images/announcement.svelte';
import { StageInput } from '../src/rooms/images/input.svelte';
import { Measuring } from '../src/rooms/images/measuring.svelte';
import Accuracy from '../src/rooms/images/views/Accuracy.svelte';
import Sources from '../src/rooms/images/views/Sources.svelte';
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

afterEach(() => {
  vi.useRealTimers();
});

test('an answer is announced once, after it has settled and the pen is up', () => {
  vi.useFakeTimers();
  const announcement = new Announcement();
  const said: string[] = [];
  const wait = (milliseconds: number) => {
    vi.advanceTimersByTime(milliseconds);
    if (announcement.text !== said.at(-1)) said.push(announcement.text);
  };
  for (let i = 0; i < 23; i += 1) {
    announcement.update(`answer ${i}`, true);
    wait(40);
  }
  // The pen rests, but is down.
  wait(2 * SETTLED);
  expect(said).toEqual(['']);
  announcement.update('answer 23', false);
  wait(SETTLED - 1);
  announcement.update('answer 24', false);
  wait(SETTLED - 1);
  expect(said).toEqual(['']);
  wait(1);
  announcement.update('answer 25', true);
  wait(2 * SETTLED);
  // What was said is not left to be read beside another answer.
  expect(said).toEqual(['', 'answer 24', '']);
});

test('the place of a test image is shown only while it is the input', () => {
  const named = { fit: true, bitmap: null, split: 'test', index: 0 } as const;
  const input = new StageInput(named, nothing);
  input.turn('digits');
  input.counted('test', 359);
  const props = { input, disabled: false, move: nothing, random: nothing, take: nothing };
  const body = () => render(Sources, { props }).body;
  expect(body()).toMatch(/>Test images<.*>1 of 359</s);
  input.line({ x: 5, y: 5 }, { x: 9, y: 9 });
  expect(body()).toMatch(/>Test images</);
  expect(body()).not.toContain('of 359');
});
