import 'fake-indexeddb/auto';

import { forceCloseDatabase } from 'fake-indexeddb';
import { beforeEach, describe, expect, test, vi } from 'vitest';

import type { RunConfig } from '../src/gen';
import { Autosave } from '../src/run/autosave.svelte';
import { preset } from '../src/run/presets';
import { RunSaver } from '../src/run/saver';
import { CURRENT, type SavedRun, MOST_SAVED, SavedRuns } from '../src/run/saved-runs';

let store: SavedRuns;
let shelves = 0;

beforeEach(() => {
  shelves += 1;
  store = new SavedRuns(`test-${shelves}`);
});

function run(step: number, savedAt = step): SavedRun {
  return {
    id: CURRENT,
    preset: 'tiny',
    dataset: 'shakespeare',
    text: null,
    step,
    savedAt,
    checkpoint: Uint8Array.of(1, 2, step),
    optimizer: null,
    history: { training: [{ step, loss: 2 }], validation: [], elapsed: 10 },
  };
}

function formerly(config: RunConfig): RunConfig {
  const old = structuredClone(config);
  Reflect.set(old.model, 'variant', 'dual');
  return old;
}

const steps = (runs: readonly SavedRun[] | null) => runs?.map((kept) => kept.step);

describe('the store', () => {
  test('gives back what was saved, to the byte', async () => {
    expect(await store.load(CURRENT)).toBeNull();
    await store.save(run(5));
    expect(await new SavedRuns(`test-${shelves}`).load(CURRENT)).toEqual(run(5));
    await store.save(run(6));
    expect((await store.load(CURRENT))?.step).toBe(6);
    expect(await store.kept()).toEqual([]);
  });

  test('reads a record of before the models had their published names', async () => {
    const config = preset('sudoku-4x4');
    if (!config) throw new Error('no preset sudoku-4x4');
    // As an earlier version of the page wrote it.
    const old: SavedRun = { ...run(5), config: formerly(config) };
    await store.save(old);
    expect((await store.load(CURRENT))?.config).toEqual(config);
    await store.replaceCurrent(run(0, 9), null);
    expect((await store.kept())[0]?.config).toEqual(config);
  });

  test('sets a run aside for its replacement', async () => {
    await store.save(run(5));
    await store.replaceCurrent(run(0, 9), null);
    expect((await store.load(CURRENT))?.step).toBe(0);
    const [kept] = await store.kept();
    expect(kept).toEqual({ ...run(5), id: kept?.id });
    expect(kept?.id).not.toBe(CURRENT);
  });

  test('sets a run aside for nothing', async () => {
    await store.save(run(5));
    await store.replaceCurrent(null, null);
    expect(await store.load(CURRENT)).toBeNull();
    expect(steps(await store.kept())).toEqual([5]);
  });

  test('takes back what was removed, and drops the oldest where there is no room', async () => {
    for (let step = 1; step <= MOST_SAVED + 1; step += 1) {
      await store.save(run(step));
      await store.replaceCurrent(null, null);
    }
    const [latest, second] = await store.kept();
    await store.remove(latest?.id ?? '');
    if (latest) await store.putBack(latest);
    expect(steps(await store.kept())).toEqual([6, 5, 4, 3, 2]);
    // Meanwhile another run was set aside.
    await store.remove(second?.id ?? '');
    await store.save(run(7));
    await store.replaceCurrent(null, null);
    if (second) await store.putBack(second);
    expect(steps(await store.kept())).toEqual([7, 6, 5, 4, 3]);
  });

  test('does not keep a run that learned nothing', async () => {
    await store.save(run(0, 1));
    await store.replaceCurrent(run(0, 2), null);
    expect(await store.kept()).toEqual([]);
  });

  test('takes a kept run off the list when it is the current one again', async () => {
    await store.save(run(5));
    await store.replaceCurrent(run(7), null);
    const [kept] = await store.kept();
    await store.replaceCurrent(run(5, 8), kept?.id ?? null);
    expect((await store.load(CURRENT))?.step).toBe(5);
    expect(steps(await store.kept())).toEqual([7]);
  });

  test('keeps the latest runs, up to a number', async () => {
    await store.save(run(1));
    for (let step = 2; step <= MOST_SAVED + 3; step += 1)
      await store.replaceCurrent(run(step), null);
    expect(steps(await store.kept())).toEqual([7, 6, 5, 4, 3]);
    expect((await store.load(CURRENT))?.step).toBe(8);
  });

  test('opens its database again where the browser has closed it', async () => {
    const open = vi.spyOn(indexedDB, 'open');
    const lost = new SavedRuns(`test-${shelves}`);
    await lost.save(run(5));
    const [request] = open.mock.results;
    if (request?.type !== 'return') throw new Error('no database was opened');
    const { result } = request.value;
    const closed = new Promise((resolve) => result.addEventListener('close', resolve));
    // Its declaration asks for the class of a database.
    Reflect.apply(forceCloseDatabase, undefined, [result]);
    await closed;
    // The first attempt fails, and the next use tries again.
    open.mockImplementationOnce(() => {
      throw new DOMException('not now', 'UnknownError');
    });
    await expect(lost.save(run(6))).rejects.toThrow('not now');
    await lost.save(run(7));
    expect((await lost.load(CURRENT))?.step).toBe(7);
    expect(open).toHaveBeenCalledTimes(3);
    open.mockRestore();
  });

  test('forgets a run that is removed', async () => {
    await store.save(run(1));
    await store.remove(CURRENT);
    expect(await store.load(CURRENT)).toBeNull();
  });
});

describe('the saver', () => {
  const full = () => Promise.reject(new DOMException('full', 'QuotaExceededError'));

  test('says that there is no room, and tries again', async () => {
    const complain = vi.fn();
    const saver = new RunSaver(store, complain);
    const save = vi.spyOn(store, 'save').mockImplementationOnce(full);
    expect(await saver.save(run(1))).toBe(false);
    expect(complain).toHaveBeenCalledOnce();
    expect(complain.mock.calls[0]).toEqual([
      'The browser has no storage left for this run.',
      expect.stringContaining('Save a checkpoint'),
    ]);
    expect(await saver.save(run(2))).toBe(true);
    expect(save).toHaveBeenCalledTimes(2);
    expect((await saver.current())?.step).toBe(2);
  });

  test('says once of a run that it cannot be saved, and again after it could be', async () => {
    const complain = vi.fn();
    const saver = new RunSaver(store, complain);
    const save = vi.spyOn(store, 'save').mockImplementation(full);
    for (const step of [1, 2, 3]) expect(await saver.save(run(step))).toBe(false);
    expect(complain).toHaveBeenCalledOnce();
    save.mockRestore();
    expect(await saver.save(run(4))).toBe(true);
    vi.spyOn(store, 'save').mockImplementation(full);
    await saver.save(run(5));
    await saver.save(run(6));
    expect(complain).toHaveBeenCalledTimes(2);
    // Of another run it is news.
    vi.spyOn(store, 'replaceCurrent').mockImplementation(full);
    saver.replaceAtNextSave(null);
    await saver.save(run(7));
    await saver.save(run(8));
    expect(complain).toHaveBeenCalledTimes(3);
  });

  test('says that storage is forbidden, and answers as if there were none', async () => {
    const complain = vi.fn();
    const forbidden = () => Promise.reject(new DOMException('no', 'SecurityError'));
    vi.spyOn(store, 'load').mockImplementation(forbidden);
    vi.spyOn(store, 'kept').mockImplementation(forbidden);
    const saver = new RunSaver(store, complain);
    expect(await saver.current()).toBeNull();
    expect(await saver.kept()).toBeNull();
    expect(complain).toHaveBeenCalledWith(
      'The browser cannot read the saved runs.',
      expect.any(String),
    );
    vi.spyOn(store, 'remove').mockImplementation(forbidden);
    expect(await saver.discard('kept-1')).toBe(false);
    expect(complain).toHaveBeenLastCalledWith(
      'The browser cannot delete this run.',
      expect.any(String),
    );
  });

  test('knows whether runs are saved', async () => {
    vi.stubGlobal('navigator', {});
    const snapshots = {
      ...{ step: () => 1, possible: () => true, needless: () => false },
      ...{ take: () => Promise.resolve(run(1)), saved: () => undefined },
    };
    const autosave = new Autosave(store, 'trm-language', vi.fn(), snapshots);
    await autosave.look();
    vi.unstubAllGlobals();
    expect(autosave.works).toBe(true);
    vi.spyOn(store, 'save').mockImplementationOnce(full);
    expect(await autosave.save()).toBe(false);
    expect(autosave.works).toBe(false);
    expect(await autosave.save()).toBe(true);
    expect(autosave.works).toBe(true);
  });

  test('never saves a replacement over the run before it, also after a failure', async () => {
    const saver = new RunSaver(store, vi.fn());
    await saver.save(run(5));
    saver.replaceAtNextSave(null);
    vi.spyOn(store, 'replaceCurrent').mockImplementationOnce(full);
    expect(await saver.save(run(0, 8))).toBe(false);
    expect((await saver.current())?.step).toBe(5);
    expect(await saver.save(run(1, 9))).toBe(true);
    expect((await saver.current())?.step).toBe(1);
    expect(steps(await saver.kept())).toEqual([5]);
    // From now on it is an ordinary run.
    await saver.save(run(2, 10));
    expect(steps(await saver.kept())).toEqual([5]);
  });
});

describe('a saver that could not read the current run', () => {
  const unread = async () => {
    await store.save(run(5));
    const saver = new RunSaver(store, vi.fn());
    vi.spyOn(store, 'load').mockRejectedValueOnce(new DOMException('busy', 'UnknownError'));
    expect(await saver.current()).toBeNull();
    return saver;
  };

  test('sets it aside for the first one that is saved', async () => {
    const saver = await unread();
    expect(await saver.save(run(1, 9))).toBe(true);
    await saver.save(run(2, 10));
    expect((await saver.current())?.step).toBe(2);
    expect(steps(await saver.kept())).toEqual([5]);
  });

  test('does not go back to it after a crash', async () => {
    const saver = await unread();
    expect(await saver.latest()).toBeNull();
    await saver.save(run(1, 9));
    expect((await saver.latest())?.step).toBe(1);
    expect(steps(await saver.kept())).toEqual([5]);
  });

  test('after a crash sets it aside too', async () => {
    await store.save(run(5));
    const saver = new RunSaver(store, vi.fn());
    expect((await saver.current())?.step).toBe(5);
    vi.spyOn(store, 'load').mockRejectedValueOnce(new DOMException('busy', 'UnknownError'));
    expect(await saver.latest()).toBeNull();
    await saver.save(run(1, 9));
    expect(steps(await saver.kept())).toEqual([5]);
  });
});

describe('a saver after a crash', () => {
  test('forgets a replacement that was lost before its first save', async () => {
    const saver = new RunSaver(store, vi.fn());
    await saver.save(run(5));
    saver.replaceAtNextSave(null);
    await saver.save(run(7));
    const [kept] = (await saver.kept()) ?? [];
    saver.replaceAtNextSave(kept?.id ?? null);
    expect((await saver.latest())?.step).toBe(7);
    await saver.save(run(8));
    expect(steps(await saver.kept())).toEqual([5]);
    expect((await saver.current())?.step).toBe(8);
  });

  test('remembers one that could not be saved', async () => {
    const saver = new RunSaver(store, vi.fn());
    await saver.save(run(5));
    saver.replaceAtNextSave(null);
    vi.spyOn(store, 'replaceCurrent').mockImplementationOnce(() => Promise.reject(new Error('no')));
    expect(await saver.save(run(1, 9))).toBe(false);
    expect((await saver.latest())?.step).toBe(1);
    await saver.save(run(2, 10));
    expect(steps(await saver.kept())).toEqual([5]);
  });
});

describe('a saver whose place is vacated', () => {
  test('sets the run before aside, and is not asked to go on with it', async () => {
    const saver = new RunSaver(store, vi.fn());
    await saver.save(run(5));
    saver.replaceAtNextSave(null);
    await saver.vacate();
    expect(await saver.latest()).toBeNull();
    expect(steps(await saver.kept())).toEqual([5]);
    // The next run that learns something is an ordinary one.
    await saver.save(run(6));
    expect((await saver.current())?.step).toBe(6);
    expect(steps(await saver.kept())).toEqual([5]);
  });

  test('tries again at the next save when it could not be', async () => {
    const saver = new RunSaver(store, vi.fn());
    await saver.save(run(5));
    saver.replaceAtNextSave(null);
    vi.spyOn(store, 'replaceCurrent').mockImplementationOnce(() => Promise.reject(new Error('no')));
    await saver.vacate();
    expect((await saver.current())?.step).toBe(5);
    await saver.save(run(6));
    expect((await saver.current())?.step).toBe(6);
    expect(steps(await saver.kept())).toEqual([5]);
  });
});

describe('a saver in a second tab', () => {
  test('leaves the run of the first tab alone, and still goes on after a crash', async () => {
    await store.save(run(5));
    const complain = vi.fn();
    const saver = new RunSaver(store, complain, Promise.resolve(false));
    expect(await saver.current()).toBeNull();
    expect(await saver.latest()).toBeNull();
    expect(await saver.save(run(9))).toBe(false);
    saver.replaceAtNextSave(null);
    expect(await saver.save(run(10))).toBe(false);
    expect((await store.load(CURRENT))?.step).toBe(5);
    expect((await saver.latest())?.step).toBe(10);
    expect(complain).not.toHaveBeenCalled();
  });
});
