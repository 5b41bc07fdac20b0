import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { AddressBar } from '../src/run/address-bar';

const replaceState = vi.fn<(state: unknown, unused: string, url: string) => void>();
const bar = () => new AddressBar();

beforeEach(() => {
  vi.useFakeTimers();
  replaceState.mockReset();
  vi.stubGlobal('history', { replaceState });
  vi.stubGlobal('location', { hash: '#here' });
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test('changes by hand are written once they come to rest', () => {
  const address = bar();
  for (const depth of [1, 2, 3]) address.soon(`?depth=${depth}`);
  expect(replaceState).not.toHaveBeenCalled();
  vi.runAllTimers();
  expect(replaceState.mock.calls).toEqual([[null, '', '?depth=3#here']]);
});

test('what is written at once takes the place of what was still to come', () => {
  const address = bar();
  address.soon('?depth=3');
  address.write('?depth=3&seed=2');
  vi.runAllTimers();
  expect(replaceState.mock.calls).toEqual([[null, '', '?depth=3&seed=2#here']]);
});

test('a browser that has had enough is asked again later', () => {
  replaceState.mockImplementationOnce(() => {
    throw new DOMException('more than 100 times per 30 seconds', 'SecurityError');
  });
  bar().write('?depth=3');
  expect(replaceState).toHaveBeenCalledTimes(1);
  vi.runAllTimers();
  expect(replaceState).toHaveBeenCalledTimes(2);
});
