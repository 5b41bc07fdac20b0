// Single steps, and the steps of training.

import { expect, test } from 'vitest';

import { DEFAULT_CONFIG } from '../src/gen';
import { Machine } from '../src/run/machine.svelte';
import { Idle } from './support/idle';
import { summaryOf, Workers } from './support/workers';

function paused(): Idle {
  const workers = new Workers();
  const wish = { device: 'cpu', software: false } as const;
  const run = new Idle(new Machine(() => workers.spawn(), wish, 'language'), DEFAULT_CONFIG);
  run.begin(summaryOf(DEFAULT_CONFIG));
  return run;
}

test('single steps are made one after another', async () => {
  const run = paused();
  run.single();
  run.single();
  await run.step();
  expect([run.state.step, run.wanted]).toEqual([1, true]);
  await run.step();
  expect([run.state.step, run.wanted]).toEqual([2, false]);
});

test('single steps that wait do not outlive training', async () => {
  const run = paused();
  run.single();
  run.single();
  run.train();
  await run.step();
  run.pause();
  expect(run.wanted).toBe(false);
});

test('a pause ends single steps that wait', () => {
  const run = paused();
  run.single();
  run.pause();
  expect(run.wanted).toBe(false);
});
