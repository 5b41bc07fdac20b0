import { beforeEach, expect, test } from 'vitest';

import { SessionClient } from '../src/client/client';
import { Drafting } from '../src/rooms/language/drafting.svelte';
import type { Command, Event, Failure } from '../src/gen';
import { Answering } from './support/session';

/** A session that drafts `chunk`, whatever comes before it, or fails. */
class FakeSession extends Answering {
  readonly prompts: string[] = [];
  chunk = [0, 1];
  failure: Failure | null = null;

  protected answer(command: Command): Event {
    if (this.failure) return { type: 'failed', failure: this.failure };
    if (command.type !== 'draft') throw new Error('not asked by a draft');
    this.prompts.push(command.prompt);
    const steps = Array.from({ length: command.depth }, (_, i) => ({
      step: i + 1,
      argmax: [this.chunk],
      prob: [this.chunk.map(() => 0.5)],
      entropy: [this.chunk.map(() => 1)],
      halt: null,
      state_rms: 1,
      state_change: 1,
    }));
    const draft = { variant: 'chunk_lm', depth: command.depth, tokens: [[0]], steps };
    return { type: 'drafted', step: 7, draft };
  }
}

let session: FakeSession;
let client: SessionClient;
let drafting: Drafting;

beforeEach(() => {
  session = new FakeSession();
  client = new SessionClient(session);
  drafting = new Drafting();
});

const vocab = { kind: 'char', chars: 'ab' } as const;
const draft = (prompt = 'KING', busy = false) => drafting.draft(client, vocab, prompt, 3, busy);

test('drafts what comes after the prompt, then rests', async () => {
  expect(drafting.due(performance.now())).toBe(0);
  await draft();
  expect(drafting.shown).toMatchObject({ context: 'KING', text: 'ab', step: 7 });
  expect(drafting.shown?.trace.steps).toHaveLength(3);
  expect(drafting.due(performance.now())).toBeNull();
});

test('a chunk that is taken is gone on from', async () => {
  await draft();
  drafting.take('KING');
  expect(drafting.due(performance.now())).toBe(0);
  await draft();
  expect(session.prompts).toEqual(['KING', 'KINGab']);
  drafting.take('KING');
  expect(drafting.taken).toBe('abab');
});

test('a chunk is taken once, and only after the text it was drafted for', async () => {
  drafting.take('KING');
  expect(drafting.taken).toBe('');
  await draft();
  expect(drafting.takeable('KIN')).toBe(false);
  drafting.take('KING');
  // Its successor is not here yet.
  expect(drafting.takeable('KING')).toBe(false);
  drafting.take('KING');
  expect(drafting.taken).toBe('ab');
});

test('starting over goes back to the prompt, another run shows nothing of the last', async () => {
  await draft();
  drafting.take('KING');
  drafting.restart();
  await draft();
  expect(session.prompts).toEqual(['KING', 'KING']);
  drafting.take('KING');
  drafting.forget();
  expect(drafting.shown).toBeNull();
  expect(drafting.taken).toBe('');
  expect(drafting.due(performance.now())).toBe(0);
});

test('while the model learns, drafts keep their distance unless someone waits', async () => {
  await draft('KING', true);
  const now = performance.now();
  drafting.refresh();
  expect(drafting.due(now)).toBeGreaterThan(500);
  drafting.hurry();
  expect(drafting.due(now)).toBe(0);
});

test('says what is wrong with the prompt, and recovers with the next', async () => {
  await draft();
  session.failure = { kind: 'prompt', message: 'no “é” here', hint: 'Leave it out.' };
  drafting.hurry();
  await draft('é');
  expect(drafting.problem).toBe('No “é” here. Leave it out.');
  expect(drafting.shown).toBeNull();
  expect(drafting.due(performance.now())).toBeNull();

  session.failure = null;
  await draft();
  expect(drafting.problem).toBeNull();
  expect(drafting.shown?.text).toBe('ab');
});

test('a lost device is not taken for a bad prompt', async () => {
  session.failure = { kind: 'device', message: 'the device is lost', hint: 'Wait.' };
  await expect(draft()).rejects.toThrow('the device is lost');
  expect(drafting.problem).toBeNull();
});
