// Saving in the background: of runs that cannot be saved, and in tabs that save nothing.

import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { SessionError } from '../src/client/client';
import { Autosave } from '../src/run/autosave.svelte';
import { CURRENT, type SavedRun, SavedRuns } from '../src/run/saved-runs';

let step = 1;
const take = vi.fn<() => Promise<SavedRun>>();

beforeEach(() => {
  // Neither locks nor a database.
  vi.stubGlobal('navigator', {});
  step = 1;
  take.mockReset().mockImplementation(() =>
    Promise.resolve({
      ...{ id: CURRENT, preset: 'tiny', dataset: 'shakespeare', text: null, step, savedAt: step },
      ...{ checkpoint: Uint8Array.of(step), optimizer: null },
      history: { training: [], validation: [], elapsed: 0 },
    }),
  );
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function autosave(): Autosave {
  return new Autosave(new SavedRuns(), 'trm-language', vi.fn(), {
    ...{ step: () => step, possible: () => true, needless: () => false },
    ...{ take, saved: () => undefined },
  });
}

function failing(kind: 'diverged' | 'device'): void {
  take.mockRejectedValue(new SessionError({ kind, message: 'failed', hint: '' }, false));
}

test('small runs are saved every few seconds, and those that take long to save less often', async () => {
  vi.useFakeTimers();
  const saving = autosave();
  const dueAfter = async (milliseconds: number): Promise<boolean[]> => {
    step += 1;
    await saving.save();
    const now = performance.now();
    return [saving.due(now + milliseconds - 1), saving.due(now + milliseconds)];
  };
  expect(await dueAfter(5_000)).toEqual([false, true]);
  const slow = take.getMockImplementation();
  take.mockImplementation(async () => {
    vi.advanceTimersByTime(200);
    return slow?.() ?? Promise.reject(new Error('no run'));
  });
  expect(await dueAfter(10_000)).toEqual([false, true]);
  take.mockImplementation(async () => {
    vi.advanceTimersByTime(2_000);
    return slow?.() ?? Promise.reject(new Error('no run'));
  });
  expect(await dueAfter(20_000)).toEqual([false, true]);
  // Quick, but large.
  take.mockImplementation(async () => {
    const run = await slow?.();
    if (!run) throw new Error('no run');
    return { ...run, checkpoint: new Uint8Array(12_000_000) };
  });
  expect(await dueAfter(12_000)).toEqual([false, true]);
});

test('a run that diverged gives way to another one when that is asked a second time', async () => {
  const saving = autosave();
  failing('diverged');
  expect([await saving.release(), await saving.release()]).toEqual([false, true]);
  step = 2;
  expect(await saving.release()).toBe(false);
  await expect(saving.save()).rejects.toThrow('failed');
});

test('a crash is still one where a run is to give way', async () => {
  failing('device');
  await expect(autosave().release()).rejects.toThrow('failed');
});

test('training has gone on as soon as there is a later state to go back to', async () => {
  const saving = autosave();
  saving.progressed = false;
  expect([await saving.save(), saving.progressed]).toEqual([false, true]);
  expect((await saving.saver.latest())?.step).toBe(1);
  // As far as before is no progress.
  saving.progressed = false;
  await saving.save();
  expect(saving.progressed).toBe(false);
  step = 2;
  failing('diverged');
  await saving.save().catch(() => undefined);
  expect(saving.progressed).toBe(false);
});
