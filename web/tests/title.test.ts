import { expect, test } from 'vitest';

import { pageTitle } from '../src/ui/title';

const PAGE = 'Puzzles · TRM Playground';

test('a tab that is not in front says how far training has come', () => {
  expect(pageTitle(PAGE, 'training', 1234, 3000, true)).toBe(
    `Training, step 1,234 of 3,000 · ${PAGE}`,
  );
  expect(pageTitle(PAGE, 'done', 3000, 3000, true)).toBe(`Trained, 3,000 steps · ${PAGE}`);
  expect(pageTitle(PAGE, 'done', 1, 1, true)).toBe(`Trained, 1 step · ${PAGE}`);
  expect(pageTitle(PAGE, 'broken', 5, 10, true)).toBe(`Stopped · ${PAGE}`);
});

test('nothing is news of a run that rests, or of a model as it came', () => {
  expect(pageTitle(PAGE, 'paused', 5, 10, true)).toBe(PAGE);
  expect(pageTitle(PAGE, 'opening', 0, 0, false)).toBe(PAGE);
  expect(pageTitle(PAGE, 'done', 10, 10, false)).toBe(PAGE);
});
