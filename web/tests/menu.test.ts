import { expect, test, vi } from 'vitest';

import { nextDepth } from '../src/rooms/language/next-depth';
import { openWithArrows } from '../src/ui/menu';

function press(key: string, altKey = false, supported = true) {
  const [preventDefault, showPicker] = [vi.fn(), vi.fn()];
  openWithArrows({ key, altKey, preventDefault, currentTarget: supported ? { showPicker } : {} });
  return [preventDefault.mock.calls.length, showPicker.mock.calls.length];
}

test('an arrow key opens a menu instead of choosing from it', () => {
  expect(press('ArrowDown')).toEqual([1, 1]);
  expect(press('ArrowUp')).toEqual([1, 1]);
  // These the browser opens it with, or searches in it.
  for (const key of ['Enter', ' ', 'Tab', 'a', 'Home']) expect(press(key)).toEqual([0, 0]);
  expect(press('ArrowDown', true)).toEqual([0, 0]);
});

test('a browser that cannot open menus keeps its own keys', () => {
  expect(press('ArrowDown', false, false)).toEqual([0, 0]);
});

test('a depth that is added is the farthest from those there are', () => {
  expect(nextDepth([1, 4], 8)).toBe(8);
  expect(nextDepth([1, 8], 8)).toBe(4);
  expect(nextDepth([1, 4, 8], 8)).toBe(6);
  expect(nextDepth([8, 7], 8)).toBe(1);
  expect(nextDepth([2, 2], 3)).toBe(1);
  expect(nextDepth([1, 2, 3], 3)).toBeNull();
});
