// The leak demonstration from its first step to its end, with a worker that answers at once.

import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { SessionClient } from '../src/client/client';
import { LeakDemo } from '../src/rooms/language/leak-demo.svelte';
import type { Command, Event } from '../src/gen';
import { Answering } from './support/session';

/** A step at which a worker fails instead of training on. */
let failsAt: number;
/** Called after every step that was asked for. */
let meanwhile: () => void;
/** Whatever else trains, until it has come to rest. */
let resting: Promise<void>;
let workers: FakeWorker[];
let leak: LeakDemo;

class FakeWorker extends Answering {
  ended = false;
  opened: unknown;
  step = 0;

  override postMessage(message: { id: number; command?: Command }): void {
    const { id, command } = message;
    if (command) return super.postMessage({ id, command });
    this.opened = message;
    const device = { info: { backend: 'cpu', name: '' }, reason: '' };
    this.reply({ id, ok: true, kind: 'opened', device });
  }

  protected answer(command: Command): Event {
    switch (command.type) {
      case 'create': {
        const sizes = { parameters: 1, train_tokens: 100, val_tokens: 100 };
        const costs = { chance_loss: 4, training_flops_per_token: 1, tokens_per_step: 1 };
        const vocab = { kind: 'byte' } as const;
        const run = { config: command.config, vocab, step: 0, trainable: true };
        const family = 'language';
        return { type: 'ready', summary: { ...run, family, ...sizes, ...costs } };
      }
      case 'step': {
        if (this.step + command.n > failsAt) {
          const failure = { kind: 'diverged', message: 'No number.', hint: 'Slower.' } as const;
          return { type: 'failed', failure };
        }
        this.step += command.n;
        meanwhile();
        const report = { step: this.step, loss: 2, learning_rate: 1, depth: 1 };
        return { type: 'stepped', reports: [report] };
      }
      case 'evaluate': {
        const [depth = 0] = command.depths;
        const unused = { perplexity: 1, bits_per_char: 1, bits_per_byte: 1, word_perplexity: 1 };
        const both = { loss: 4 + this.step, leaking_loss: 1 / (1 + this.step) };
        return { type: 'evaluated', step: this.step, depths: [{ depth, ...both, ...unused }] };
      }
      default:
        throw new Error(`not asked in the demonstration: ${command.type}`);
    }
  }

  override terminate(): void {
    this.ended = true;
    super.terminate();
  }
}

function spawn(): SessionClient {
  const worker = new FakeWorker();
  workers.push(worker);
  return new SessionClient(worker);
}

beforeEach(() => {
  failsAt = Infinity;
  meanwhile = () => undefined;
  resting = Promise.resolve();
  workers = [];
  vi.stubGlobal('document', { baseURI: 'http://localhost/' });
  leak = new LeakDemo({
    spawn,
    wish: { device: 'gpu', software: true },
    text: () => resting.then(() => 'to be or not to be'),
  });
});

afterEach(() => vi.unstubAllGlobals());

const scoredAt = () => leak.run?.scores.map(({ step }) => step) ?? [];

test('all steps are made on the page’s device, with a score every twenty', async () => {
  await leak.train();
  expect(leak.phase).toBe('done');
  expect(scoredAt()).toEqual(Array.from({ length: 16 }, (_, i) => 20 * i));
  expect(leak.run?.scores.at(-1)).toEqual({ step: 300, leaking: 1 / 301, honest: 304 });
  expect(workers.map(({ ended }) => ended)).toEqual([true]);
  expect(workers[0]?.opened).toMatchObject({ device: 'gpu', software: true });
});

test('it can be stopped while its text is still coming', async () => {
  let rest: () => void = () => undefined;
  resting = new Promise((resolve) => (rest = resolve));
  const running = leak.train();
  expect(leak.busy).toBe(true);
  leak.stop();
  expect(leak.phase).toBe('ready');
  rest();
  await running;
  expect(workers.map(({ ended }) => ended)).toEqual([true]);
  expect(leak.run).toBeNull();
});

test('stopped, it keeps its scores and ends its worker; run again, it begins anew', async () => {
  meanwhile = () => {
    if (workers.at(-1)?.step === 45) leak.stop();
  };
  await leak.train();
  expect([leak.phase, leak.problem]).toEqual(['stopped', null]);
  expect(scoredAt()).toEqual([0, 20, 40]);
  expect(workers[0]?.ended).toBe(true);

  meanwhile = () => undefined;
  await leak.train();
  expect(leak.phase).toBe('done');
  expect(scoredAt()).toHaveLength(16);
  expect(workers.map(({ ended }) => ended)).toEqual([true, true]);
});

test('a run that was stopped and started again at once is one run', async () => {
  let again: Promise<void> | undefined;
  meanwhile = () => {
    if (again || workers[0]?.step !== 45) return;
    leak.stop();
    again = leak.train();
  };
  await leak.train();
  await again;
  expect(leak.phase).toBe('done');
  expect(workers.map(({ step }) => step)).toEqual([45, 300]);
  expect(scoredAt()).toHaveLength(16);
});

test('a failure is told with its hint, and the curves stay', async () => {
  failsAt = 30;
  await leak.train();
  expect(leak.phase).toBe('failed');
  expect(leak.problem).toMatchObject({ message: 'No number.', hint: 'Slower.' });
  expect(scoredAt()).toEqual([0, 20]);
  expect(workers[0]?.ended).toBe(true);

  failsAt = Infinity;
  await leak.train();
  expect([leak.phase, leak.problem]).toEqual(['done', null]);
});
