import { beforeEach, expect, test } from 'vitest';

import { SessionClient } from '../src/client/client';
import { Curve } from '../src/rooms/language/depth-losses.svelte';
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
let curve: Curve;

beforeEach(() => {
  session = new Measuring();
  client = new SessionClient(session);
  curve = new Curve();
});

test('is rough at once, and finer when there is nothing else to do', async () => {
  expect(curve.due(0, true)).toBe(true);
  await curve.measure(client, 100_000);
  const rough = curve.shown?.tokens ?? 0;
  expect(curve.shown).toMatchObject({ step: 7 });
  expect(curve.shown?.losses.map(({ depth }) => depth)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  expect(curve.due(performance.now(), true)).toBe(false);
  expect(curve.due(performance.now(), false)).toBe(true);
  await curve.measure(client, 100_000);
  expect(curve.shown?.tokens).toBeGreaterThan(rough);
  expect(curve.due(performance.now(), false)).toBe(false);
});

test('of weights that change is measured now and then', async () => {
  await curve.measure(client, 100_000);
  curve.age();
  const now = performance.now();
  expect(curve.due(now, true)).toBe(false);
  expect(curve.due(now + 60_000, true)).toBe(true);
});

test('of a short text is whole with the first measurement', async () => {
  await curve.measure(client, 500);
  expect(curve.shown?.tokens).toBe(500);
  expect(curve.due(performance.now(), false)).toBe(false);
  curve.forget();
  expect(curve.shown).toBeNull();
  expect(curve.due(0, true)).toBe(true);
});
