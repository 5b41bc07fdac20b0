// A browser that never answers when it is asked to open its storage.

import 'fake-indexeddb/auto';

import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { opened } from '../src/run/database';
import { handedOver, handOver } from '../src/run/handover';
import { SavedRuns } from '../src/run/saved-runs';

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('indexedDB', { open: () => new EventTarget() });
  // What the library takes the answer for.
  vi.stubGlobal('IDBRequest', EventTarget);
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test('is waited for only so long', async () => {
  const all = Promise.all([
    opened('a', {}).catch(String),
    new SavedRuns('b').possible,
    handedOver('c'),
  ]);
  await vi.runAllTimersAsync();
  expect(await all).toEqual(['Error: the browser does not open its storage', false, null]);
});

test('takes no file for another page', async () => {
  const handed = handOver(Uint8Array.of(1), 'd');
  await vi.runAllTimersAsync();
  expect(await handed).toBe(false);
});
