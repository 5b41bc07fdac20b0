import 'fake-indexeddb/auto';

import { beforeEach, describe, expect, test, vi } from 'vitest';

import { Keeper } from '../src/run/saver';
import { CURRENT, type KeptRun, MOST_KEPT, Shelf } from '../src/run/saved-runs';

let shelf: Shelf;
let shelves = 0;

beforeEach(() => {
  shelves += 1;
  shelf = new Shelf(`test-${shelves}`);
});

function run(step: number, savedAt = step): KeptRun {
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

const steps = (runs: readonly KeptRun[] | null) => runs?.map((kept) => kept.step);

describe('the shelf', () => {
  test('gives back what was saved, to the byte', async () => {
    expect(await shelf.load(CURRENT)).toBeNull();
    await shelf.save(run(5));
    expect(await new Shelf(`test-${shelves}`).load(CURRENT)).toEqual(run(5));
    await shelf.save(run(6));
    expect((await shelf.load(CURRENT))?.step).toBe(6);
    expect(await shelf.kept()).toEqual([]);
  });

  test('sets a run aside for its successor', async () => {
    await shelf.save(run(5));
    await shelf.succeed(run(0, 9), null);
    expect((await shelf.load(CURRENT))?.step).toBe(0);
    const [kept] = await shelf.kept();
    expect(kept).toEqual({ ...run(5), id: kept?.id });
    expect(kept?.id).not.toBe(CURRENT);
  });

  test('sets a run aside for nothing', async () => {
    await shelf.save(run(5));
    await shelf.succeed(null, null);
    expect(await shelf.load(CURRENT)).toBeNull();
    expect(steps(await shelf.kept())).toEqual([5]);
  });

  test('takes back what was removed, and drops the oldest where there is no room', async () => {
    for (let step = 1; step <= MOST_KEPT + 1; step += 1) {
      await shelf.save(run(step));
      await shelf.succeed(null, null);
    }
    const [latest, second] = await shelf.kept();
    await shelf.remove(latest?.id ?? '');
    if (latest) await shelf.putBack(latest);
    expect(steps(await shelf.kept())).toEqual([6, 5, 4, 3, 2]);
    // Meanwhile another run was set aside.
    await shelf.remove(second?.id ?? '');
    await shelf.save(run(7));
    await shelf.succeed(null, null);
    if (second) await shelf.putBack(second);
    expect(steps(await shelf.kept())).toEqual([7, 6, 5, 4, 3]);
  });

  test('does not keep a run that learned nothing', async () => {
    await shelf.save(run(0, 1));
    await shelf.succeed(run(0, 2), null);
    expect(await shelf.kept()).toEqual([]);
  });

  test('takes a kept run off the list when it is the current one again', async () => {
    await shelf.save(run(5));
    await shelf.succeed(run(7), null);
    const [kept] = await shelf.kept();
    await shelf.succeed(run(5, 8), kept?.id ?? null);
    expect((await shelf.load(CURRENT))?.step).toBe(5);
    expect(steps(await shelf.kept())).toEqual([7]);
  });

  test('keeps the latest runs, up to a number', async () => {
    await shelf.save(run(1));
    for (let step = 2; step <= MOST_KEPT + 3; step += 1) await shelf.succeed(run(step), null);
    expect(steps(await shelf.kept())).toEqual([7, 6, 5, 4, 3]);
    expect((await shelf.load(CURRENT))?.step).toBe(8);
  });

  test('forgets a run that is removed', async () => {
    await shelf.save(run(1));
    await shelf.remove(CURRENT);
    expect(await shelf.load(CURRENT)).toBeNull();
  });
});

describe('the keeper', () => {
  const full = () => Promise.reject(new DOMException('full', 'QuotaExceededError'));

  test('says that there is no room, and tries again', async () => {
    const complain = vi.fn();
    const keeper = new Keeper(shelf, complain);
    const save = vi.spyOn(shelf, 'save').mockImplementationOnce(full);
    expect(await keeper.save(run(1))).toBe(false);
    expect(complain).toHaveBeenCalledOnce();
    expect(complain.mock.calls[0]).toEqual([
      'The browser has no room left to keep this run.',
      expect.stringContaining('Download the checkpoint'),
    ]);
    expect(await keeper.save(run(2))).toBe(true);
    expect(save).toHaveBeenCalledTimes(2);
    expect((await keeper.current())?.step).toBe(2);
  });

  test('says that storage is forbidden, and answers as if there were none', async () => {
    const complain = vi.fn();
    const forbidden = () => Promise.reject(new DOMException('no', 'SecurityError'));
    vi.spyOn(shelf, 'load').mockImplementation(forbidden);
    vi.spyOn(shelf, 'kept').mockImplementation(forbidden);
    const keeper = new Keeper(shelf, complain);
    expect(await keeper.current()).toBeNull();
    expect(await keeper.kept()).toBeNull();
    expect(complain).toHaveBeenCalledWith('The browser cannot keep this run.', expect.any(String));
  });

  test('never saves a successor over the run before it, also after a failure', async () => {
    const keeper = new Keeper(shelf, vi.fn());
    await keeper.save(run(5));
    keeper.succeed(null);
    vi.spyOn(shelf, 'succeed').mockImplementationOnce(full);
    expect(await keeper.save(run(0, 8))).toBe(false);
    expect((await keeper.current())?.step).toBe(5);
    expect(await keeper.save(run(1, 9))).toBe(true);
    expect((await keeper.current())?.step).toBe(1);
    expect(steps(await keeper.kept())).toEqual([5]);
    // From now on it is an ordinary run.
    await keeper.save(run(2, 10));
    expect(steps(await keeper.kept())).toEqual([5]);
  });
});

describe('a keeper whose place is vacated', () => {
  test('sets the run before aside, and is not asked to go on with it', async () => {
    const keeper = new Keeper(shelf, vi.fn());
    await keeper.save(run(5));
    keeper.succeed(null);
    await keeper.vacate();
    expect(await keeper.latest()).toBeNull();
    expect(steps(await keeper.kept())).toEqual([5]);
    // The next run that learns something is an ordinary one.
    await keeper.save(run(6));
    expect((await keeper.current())?.step).toBe(6);
    expect(steps(await keeper.kept())).toEqual([5]);
  });

  test('tries again at the next save when it could not be', async () => {
    const keeper = new Keeper(shelf, vi.fn());
    await keeper.save(run(5));
    keeper.succeed(null);
    vi.spyOn(shelf, 'succeed').mockImplementationOnce(() => Promise.reject(new Error('no')));
    await keeper.vacate();
    expect((await keeper.current())?.step).toBe(5);
    await keeper.save(run(6));
    expect((await keeper.current())?.step).toBe(6);
    expect(steps(await keeper.kept())).toEqual([5]);
  });
});

describe('a keeper in a second tab', () => {
  test('leaves the run of the first tab alone, and still goes on after a crash', async () => {
    await shelf.save(run(5));
    const complain = vi.fn();
    const keeper = new Keeper(shelf, complain, Promise.resolve(false));
    expect(await keeper.current()).toBeNull();
    expect(await keeper.latest()).toBeNull();
    expect(await keeper.save(run(9))).toBe(false);
    keeper.succeed(null);
    expect(await keeper.save(run(10))).toBe(false);
    expect((await shelf.load(CURRENT))?.step).toBe(5);
    expect((await keeper.latest())?.step).toBe(10);
    expect(complain).not.toHaveBeenCalled();
  });
});
