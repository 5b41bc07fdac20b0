import { beforeEach, expect, test } from 'vitest';

import { SessionClient } from '../src/client/client';
import { DepthLosses } from '../src/rooms/language/depth-losses.svelte';
import type { Command, Event } from '../src/gen';
import { Answering } from './support/session';

/** A session that measures whatever it is asked for. */
class Measuring extends Answering {
  readonly asked: Command[] = [];

  protected answer(command: Command): Event {
    this.asked.push(command);
    if (command.type !== 'evaluate') throw new Error('not asked by a curve');
    const depths = command.depths.map((depth) => ({
      depth,
      loss: 1 / depth,
      perplexity: 1,
      bits_per_char: 1,
      bits_per_byte: 1,
      word_perplexity: 1,
    }));
    return { type: 'evaluated', step: 7, depths };
  }
}

let session: Measuring;
let client: SessionClient;
let depthLosses: DepthLosses;

beforeEach(() => {
  session = new Measuring();
  client = new SessionClient(session);
  depthLosses = new DepthLosses();
});

test('is rough at once, and finer when there is nothing else to do', async () => {
  expect(depthLosses.due(0, true)).toBe(0);
  await depthLosses.measure(client, 100_000);
  const rough = depthLosses.shown?.tokens ?? 0;
  expect(depthLosses.shown).toMatchObject({ step: 7 });
  expect(depthLosses.shown?.losses.map(({ depth }) => depth)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  expect(depthLosses.due(performance.now(), true)).toBeNull();
  expect(depthLosses.due(performance.now(), false)).toBe(0);
  await depthLosses.measure(client, 100_000);
  expect(depthLosses.shown?.tokens).toBeGreaterThan(rough);
  expect(depthLosses.due(performance.now(), false)).toBeNull();
});

test('of weights that change is measured now and then', async () => {
  await depthLosses.measure(client, 100_000);
  depthLosses.age();
  const now = performance.now();
  expect(depthLosses.due(now, true)).toBeGreaterThan(0);
  expect(depthLosses.due(now + 60_000, true)).toBe(0);
});

test('of a short text is whole with the first measurement', async () => {
  await depthLosses.measure(client, 500);
  expect(depthLosses.shown?.tokens).toBe(500);
  expect(depthLosses.due(performance.now(), false)).toBeNull();
  depthLosses.forget();
  expect(depthLosses.shown).toBeNull();
  expect(depthLosses.due(0, true)).toBe(0);
});
