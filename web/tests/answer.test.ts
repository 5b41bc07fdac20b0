import { beforeEach, expect, test } from 'vitest';

import { SessionClient } from '../src/client/client';
import { Answer } from '../src/rooms/language/answer.svelte';
import type { Command, Event, Failure } from '../src/gen';
import { DEFAULT_OPTIONS } from '../src/rooms/language/url';
import { Answering } from './support/session';

/** A session that writes `text`, whatever it is asked, or fails. */
class FakeSession extends Answering {
  readonly commands: Command[] = [];
  text = 'abcdefgh'.repeat(8);
  failure: Failure | null = null;
  /** Called before the last piece of a text is given. */
  last: () => void = () => undefined;
  #at = 0;

  protected answer(command: Command): Event {
    this.commands.push(command);
    if (this.failure) return { type: 'failed', failure: this.failure };
    if (command.type === 'generate') {
      this.#at = 0;
      return { type: 'generating', stream: 3 };
    }
    if (command.type === 'close') return { type: 'closed', stream: command.stream };
    if (command.type !== 'pull') throw new Error('not asked by an answer');
    const text = this.text.slice(this.#at, this.#at + command.n);
    this.#at += command.n;
    const done = this.#at >= this.text.length;
    if (done) this.last();
    return { type: 'generated', stream: 3, output: { text, tokens: [], pieces: [], done } };
  }
}

const OPTIONS = { ...DEFAULT_OPTIONS, depth: 3 };

let session: FakeSession;
let client: SessionClient;
let answer: Answer;

beforeEach(() => {
  session = new FakeSession();
  client = new SessionClient(session);
  answer = new Answer();
});

const advance = (step = 1) => answer.advance(client, OPTIONS, step);

async function finish(step = 1): Promise<void> {
  while (await advance(step));
}

test('writes piece by piece until the text is whole, then rests', async () => {
  await advance();
  expect(answer.writing).toBe(true);
  expect(session.commands[0]).toMatchObject({
    type: 'generate',
    options: { prompt: OPTIONS.prompt, depth: 3, seed: OPTIONS.seed },
  });
  await advance();
  expect(answer.text.length).toBeGreaterThan(0);
  expect(answer.text.length).toBeLessThan(session.text.length);
  await finish();
  expect(answer.text).toBe(session.text);
  expect(answer.writing).toBe(false);
  expect(await advance()).toBe(false);
});

test('a refreshed text takes the place of the old one as a whole', async () => {
  await finish(1);
  const old = session.text;
  session.text = 'ABCDEFGH'.repeat(30);
  answer.stale = true;
  await advance(2);
  await advance(2);
  expect(answer.text).toBe(old);
  await finish(2);
  expect(answer.text).toBe(session.text);
  expect(answer.step).toBe(2);
});

test('a prompt that changes in the middle closes the old text', async () => {
  await advance();
  await advance();
  answer.stale = true;
  await advance();
  expect(session.commands.slice(-2)).toMatchObject([
    { type: 'close', stream: 3 },
    { type: 'generate' },
  ]);
});

test('says what is wrong with the prompt, and recovers with the next', async () => {
  session.failure = { kind: 'prompt', message: 'no “é” here', hint: 'Leave it out.' };
  await advance();
  expect(answer.problem).toBe('No “é” here. Leave it out.');
  expect(answer.writing).toBe(false);
  expect(await advance()).toBe(false);

  session.failure = null;
  answer.stale = true;
  await finish();
  expect(answer.problem).toBeNull();
  expect(answer.text).toBe(session.text);
});

test('a text that fails in the middle is reported once and not asked for again', async () => {
  await advance();
  session.failure = { kind: 'protocol', message: 'no such text', hint: 'Ask again.' };
  await expect(advance()).rejects.toThrow('no such text');
  expect(answer.writing).toBe(false);
  expect(await advance()).toBe(false);
});

test('a lost device is not taken for a bad prompt', async () => {
  session.failure = { kind: 'device', message: 'the device is lost', hint: 'Wait.' };
  await expect(advance()).rejects.toThrow('the device is lost');
  expect(answer.problem).toBeNull();
});

test('a text with other options is seen being written, one with the same options is only refreshed', async () => {
  await finish();
  const old = answer.text;
  session.text = 'ABCDEFGH'.repeat(30);
  answer.renew(OPTIONS);
  expect(answer.urgent).toBe(false);
  await advance();
  await advance();
  expect(answer.text).toBe(old);

  answer.renew({ ...OPTIONS, depth: 4 });
  expect(answer.urgent).toBe(true);
  await advance();
  await advance();
  expect(answer.text).not.toBe(old);
  expect(session.text.startsWith(answer.text)).toBe(true);
  expect(answer.text.length).toBeLessThan(session.text.length);
});

test('a text to be watched is written token by token, and only a new one', async () => {
  session.text = 'abc';
  answer.pace = 60_000;
  const now = performance.now();
  await advance();
  await advance();
  expect(answer.text).toBe('a');
  // The next token is not due for a minute, and nothing is asked until then.
  expect(answer.due(now)).toBeGreaterThan(50_000);
  expect(await advance()).toBe(false);
  answer.pace = 0;
  answer.renew({ ...OPTIONS, depth: 4 });
  await finish();
  expect(answer.text).toBe('abc');
  expect(answer.due(now)).toBeNull();

  // A refreshed text appears as a whole, so waiting for it would show nothing.
  answer.pace = 60_000;
  answer.stale = true;
  await finish();
  expect(answer.due(now)).toBeNull();
});

test('the last piece of a text is not shown under another prompt', async () => {
  const next = { ...OPTIONS, prompt: 'another' };
  session.last = () => answer.renew(next);
  // The text of the first prompt is written until its last piece is asked for.
  while (!answer.urgent || session.commands.length < 3) await advance();
  session.last = () => undefined;
  await answer.advance(client, next, 1);
  expect(answer.text).toBe('');
  expect(session.commands.at(-1)).toMatchObject({
    type: 'generate',
    options: { prompt: 'another' },
  });
  await answer.advance(client, next, 1);
  expect(session.text.startsWith(answer.text)).toBe(true);
});
