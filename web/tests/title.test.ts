import { expect, test } from 'vitest';

import { pageTitle } from '../src/ui/title';

test('a tab that is not in front says how far training has come', () => {
  expect(pageTitle('training', 1234, 3000, true)).toMatch(/^Training, step 1,234 of 3,000 · /);
  expect(pageTitle('done', 3000, 3000, true)).toMatch(/^Trained, 3,000 steps · /);
  expect(pageTitle('broken', 5, 10, true)).toMatch(/^Stopped · /);
});

test('nothing is news of a run that rests, or of a model as it came', () => {
  expect(pageTitle('paused', 5, 10, true)).toBe('TRM Playground');
  expect(pageTitle('opening', 0, 0, false)).toBe('TRM Playground');
  expect(pageTitle('done', 10, 10, false)).toBe('TRM Playground');
});
