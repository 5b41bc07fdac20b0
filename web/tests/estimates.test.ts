import { expect, test } from 'vitest';

import { SessionClient } from '../src/client/client';
import { Estimates } from '../src/rooms/language/estimates.svelte';
import type { Command, Event } from '../src/gen';
import { Answering } from './support/session';

/** A session that times whatever it is asked for. */
class Timing extends Answering {
  asked = 0;

  protected answer(command: Command): Event {
    if (command.type !== 'benchmark') throw new Error('not asked by an estimate');
    this.asked += 1;
    return { type: 'benchmarked', ms_per_step: 7, tokens_per_step: 1 };
  }
}

test('only the preset that is shown is timed, and once', async () => {
  const session = new Timing();
  const client = new SessionClient(session);
  const estimates = new Estimates();
  expect(await estimates.measure(client)).toBe(false);
  estimates.want('page-small');
  // Another one is chosen before there was time.
  estimates.want('page-tiny');
  expect(await estimates.measure(client)).toBe(true);
  expect(estimates.known).toEqual({ 'page-tiny': 7 });
  // It is shown again; of the other one nobody knows when its text is readable.
  for (const name of ['page-tiny', 'sudoku-4x4']) {
    estimates.want(name);
    expect(await estimates.measure(client)).toBe(false);
  }
  expect(session.asked).toBe(1);
});
