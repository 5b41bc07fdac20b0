import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import type { SessionClient } from '../src/client/client';
import { DEFAULT_CONFIG, type RunConfig } from '../src/gen';
import { Cores } from '../src/run/cores.svelte';
import { preset } from '../src/run/presets';
import { ALONE, sharing, suitable } from '../src/run/sharing';
import { summaryOf, Workers } from './support/workers';

function config(train: Partial<RunConfig['train']>): RunConfig {
  return { ...DEFAULT_CONFIG, train: { ...DEFAULT_CONFIG.train, ...train } };
}

const of = (batch_size: number, gradient_accumulation_steps: number, cores: number) =>
  sharing(config({ batch_size, gradient_accumulation_steps }), cores);

describe('the rows of an update', () => {
  test('are shared by whole batches where there are enough of them', () => {
    expect(of(7, 4, 2)).toEqual({ size: 2, parts: 1 });
    expect(of(7, 4, 4)).toEqual({ size: 4, parts: 1 });
  });

  test('are else cut out of every batch, equally', () => {
    expect(of(32, 1, 2)).toEqual({ size: 2, parts: 2 });
    expect(of(12, 1, 7)).toEqual({ size: 6, parts: 6 });
    expect(of(16, 1, 7)).toEqual({ size: 4, parts: 4 });
    expect(of(8, 2, 4)).toEqual({ size: 4, parts: 2 });
    expect(of(7, 1, 4)).toEqual(ALONE);
    expect(of(32, 1, 1)).toEqual(ALONE);
  });

  test('are cut where puzzles are under way too', () => {
    const config = preset('sudoku-4x4');
    expect(config && sharing(config, 4)).toEqual({ size: 4, parts: 4 });
  });
});

test('one core is left to the page, and a weak machine trains with one', () => {
  const machine = { cores: 8, memory: 8, battery: false };
  expect(suitable(machine)).toBe(7);
  expect(suitable({ ...machine, memory: undefined })).toBe(7);
  expect(suitable({ ...machine, cores: 64 })).toBe(8);
  expect(suitable({ ...machine, cores: 1 })).toBe(1);
  expect(suitable({ ...machine, battery: true })).toBe(1);
  expect(suitable({ ...machine, memory: 2 })).toBe(1);
});

describe('workers that train together', () => {
  let workers: Workers;
  let first: SessionClient;
  let cores: Cores;
  let run: RunConfig;

  beforeEach(async () => {
    workers = new Workers();
    first = await workers.open();
    run = config({ batch_size: 12 });
    cores = makeCores(2);
  });

  afterEach(() => vi.useRealTimers());

  function makeCores(chosen: number, open = () => workers.open()): Cores {
    const made = new Cores(open, chosen);
    made.possible = true;
    made.sources = () => ({ data: { kind: 'named' }, base: null });
    return made;
  }

  /** One request of the training loop. */
  async function steps(n: number): Promise<readonly number[]> {
    await cores.prepare(first, summaryOf(run));
    return (await cores.step(first, n)).map(({ step }) => step);
  }

  /** Trains until there are so many workers at work. */
  async function together(size: number): Promise<void> {
    await vi.waitFor(async () => {
      await steps(1);
      expect(cores.now.size).toBe(size);
    });
  }

  test('begin with the state of the first, which trains alone until they are open', async () => {
    expect(await steps(2)).toEqual([1, 2]);
    expect(cores.now).toEqual(ALONE);
    await together(2);
    const [one, other] = workers.all;
    expect(other?.commands.slice(0, 2)).toEqual(['load', 'join']);
    expect([one?.joined, other?.joined]).toEqual(['0/2/2', '1/2/2']);
    expect([one?.ports, other?.ports]).toEqual([1, 1]);
    expect(other?.step).toBe(one?.step);
    // The group stays for the next request.
    await steps(3);
    expect(other?.commands.filter((type) => type === 'load')).toHaveLength(1);
    expect(other?.step).toBe(one?.step);
  });

  test('are all connected with each other', async () => {
    cores.choose(4);
    await together(4);
    expect(workers.all.map(({ ports }) => ports)).toEqual([3, 3, 3, 3]);
    expect(workers.all.map(({ joined }) => joined)).toEqual(['0/4/4', '1/4/4', '2/4/4', '3/4/4']);
  });

  test('take over settings, and another run', async () => {
    await together(2);
    const other = workers.all[1];
    run = config({ batch_size: 12, learning_rate: 0.5 });
    cores.onSettingsChanged();
    await steps(1);
    expect(other?.config.train.learning_rate).toBe(0.5);
    expect(other?.commands.filter((type) => type === 'load')).toHaveLength(1);
    cores.onRunStarted();
    await steps(1);
    expect(other?.commands.filter((type) => type === 'load')).toHaveLength(2);
    // Batches of other sizes are cut otherwise.
    run = config({ batch_size: 12, gradient_accumulation_steps: 2 });
    cores.onSettingsChanged();
    await steps(1);
    expect(other?.joined).toBe('1/2/1');
  });

  test('are as many as are chosen, also during training', async () => {
    await together(2);
    cores.choose(1);
    await steps(1);
    expect(cores.now).toEqual(ALONE);
    expect(workers.all[0]?.joined).toBe('0/1/1');
    expect(workers.alive).toHaveLength(1);
    cores.choose(3);
    await together(3);
    expect(workers.alive).toHaveLength(3);
    expect(Object.keys(cores.speeds)).toEqual(['1', '2', '3']);
  });

  test('lose no step when one of them dies, and it is replaced', async () => {
    await together(2);
    const [one, other] = workers.all;
    const before = one?.step ?? 0;
    if (other) other.dies = true;
    // Two updates were made everywhere before it died.
    workers.stepsBefore = 2;
    expect(await steps(5)).toEqual([before + 1, before + 2]);
    expect(cores.problem).toContain('out of memory');
    expect(await steps(1)).toEqual([before + 3]);
    await together(2);
    expect(workers.alive).toHaveLength(2);
    expect(workers.all[2]?.step).toBe(one?.step);
  });

  test('that die between two requests are replaced too', async () => {
    await together(2);
    workers.all[1]?.die();
    const before = workers.all[0]?.step ?? 0;
    expect(await steps(2)).toEqual([before + 1, before + 2]);
    expect(cores.problem).toContain('out of memory');
    await together(2);
    expect(workers.alive).toHaveLength(2);
  });

  test('whose update fails leave it to the first', async () => {
    await together(2);
    const [one, other] = workers.all;
    const before = one?.step ?? 0;
    if (other) other.dies = true;
    expect(await steps(2)).toEqual([before + 1, before + 2]);
    expect(one?.joined).toBe('0/1/1');
  });

  test('that die again and again leave one that trains', async () => {
    for (const expected of [/Another worker is started/, /one core/]) {
      await together(2);
      const last = workers.alive.at(-1);
      if (last) last.dies = true;
      await steps(1);
      expect(cores.problem).toMatch(expected);
    }
    const made = workers.all.length;
    await steps(1);
    await steps(1);
    expect(workers.all).toHaveLength(made);
    expect(workers.alive).toHaveLength(1);
    // Until the visitor asks for them again.
    cores.choose(2);
    expect(cores.problem).toBeNull();
    await together(2);
  });

  test('that fail long after others were replaced are replaced too', async () => {
    for (let failure = 0; failure < 3; failure++) {
      await together(2);
      const last = workers.alive.at(-1);
      if (last) last.dies = true;
      await steps(1);
      expect(cores.problem).toMatch(/Another worker is started/);
      await together(2);
      vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 3_600_000);
      await steps(1);
      expect(cores.problem).toBeNull();
    }
    vi.restoreAllMocks();
  });

  test('that break say nothing about the time of one core', async () => {
    await together(2);
    for (const stepsBefore of [2, 0]) {
      // Forgets the times.
      cores.onSettingsChanged();
      const last = workers.alive.at(-1);
      if (last) last.dies = true;
      workers.stepsBefore = stepsBefore;
      await steps(5);
      expect(cores.now).toEqual(ALONE);
      expect(cores.speeds).toEqual({});
      cores.choose(2);
      await together(2);
    }
    expect(Object.keys(cores.speeds)).toEqual(['1', '2']);
  });

  test('that cannot be opened are not waited for', async () => {
    workers.unopenable = 'no memory';
    await vi.waitFor(async () => {
      await steps(1);
      expect(cores.problem).toMatch(/one core.*no memory/);
    });
    expect(workers.alive).toHaveLength(1);
  });

  test('whose code cannot be fetched are not opened', async () => {
    vi.doMock('../src/run/group', () => {
      throw new Error('not fetched');
    });
    await vi.waitFor(async () => {
      await steps(1);
      expect(cores.problem).toMatch(/one core.*could not be fetched/);
    });
    vi.doUnmock('../src/run/group');
    expect(workers.all).toHaveLength(1);
    // The visitor can ask for them again.
    cores.choose(2);
    await together(2);
  });

  test('end with the first, whose failure is passed on', async () => {
    await together(2);
    const [one] = workers.all;
    if (one) one.dies = true;
    await expect(steps(1)).rejects.toMatchObject({ crashed: true });
    expect(workers.alive).toHaveLength(0);
    cores.onWorkerLost();
    first = await workers.open();
    await together(2);
  });

  test('are ended when nothing is trained for a while', async () => {
    await together(2);
    vi.useFakeTimers();
    await steps(1);
    await vi.advanceTimersByTimeAsync(60_000);
    vi.useRealTimers();
    expect(workers.alive).toHaveLength(1);
    await together(2);
    expect(cores.problem).toBeNull();
  });

  test('are ended too where they are ready, and no step came to need them', async () => {
    vi.useFakeTimers();
    await steps(1);
    await vi.waitFor(() => expect(workers.alive).toHaveLength(2));
    expect(cores.now).toEqual(ALONE);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(workers.alive).toHaveLength(1);
    vi.useRealTimers();
    await together(2);
    expect(cores.problem).toBeNull();
  });

  test('are ended too where they are still opening', async () => {
    const opening: (() => void)[] = [];
    cores = makeCores(2, async () => {
      await new Promise<void>((resolve) => opening.push(resolve));
      return workers.open();
    });
    vi.useFakeTimers();
    await steps(1);
    await vi.waitFor(() => expect(opening).toHaveLength(1));
    await vi.advanceTimersByTimeAsync(60_000);
    for (const open of opening) open();
    await vi.waitFor(() => expect(workers.all.map(({ ended }) => ended)).toEqual([false, true]));
  });

  test('are not ended while they take over another run, however long that takes', async () => {
    await together(2);
    vi.useFakeTimers();
    await steps(1);
    workers.loading = 40_000;
    cores.onRunStarted();
    const going = steps(1);
    await vi.advanceTimersByTimeAsync(50_000);
    await going;
    expect([cores.problem, cores.now.size]).toEqual([null, 2]);
    // Without further steps they are ended all the same.
    await vi.advanceTimersByTimeAsync(60_000);
    expect(workers.alive).toHaveLength(1);
  });

  test('say for a while that one was replaced, and no longer', async () => {
    await together(2);
    const last = workers.alive.at(-1);
    if (last) last.dies = true;
    await steps(1);
    await together(2);
    expect(cores.problem).toMatch(/Another worker is started/);
    vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 60_000);
    await steps(1);
    vi.restoreAllMocks();
    expect(cores.problem).toBeNull();
  });
});
