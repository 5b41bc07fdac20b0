import { expect, test } from 'vitest';

import { stepped } from '../src/run/limits';

test('an arrow key leads on from what is typed, where that is good, and not out of the range', () => {
  const whole = { least: 1, most: 9, whole: true };
  expect(stepped(whole, 5, null, 1)).toBe(6);
  expect(stepped(whole, 5, '7', -1)).toBe(6);
  for (const wrong of ['', 'x', '70', '2.5']) expect(stepped(whole, 5, wrong, 1)).toBe(6);
  expect([stepped(whole, 5, '9', 1), stepped(whole, 1, null, -1)]).toEqual([9, 1]);
  expect(stepped({ ...whole, whole: false }, 1, '1.2', 1)).toBe(1.3);
});
