// Which side trains when in an A/B comparison, with workers that answer at once.

import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { SessionClient } from '../src/client/client';
import { Comparison } from '../src/rooms/language/comparison.svelte';
import { type Command, type Event, type RunConfig, tokensPerStep } from '../src/gen';
import { DEFAULT_COMPARISON, type ComparisonPlan } from '../src/rooms/language/comparison-plan';
import { Answering } from './support/session';

/** What was asked, of all workers, in order. */
let log: string[];
/** A step at which a worker fails instead of training on. */
let failsAt: number;
/** Called after every step that was asked for. */
let meanwhile: () => void;
let workers: FakeWorker[];
/** How the current run comes to rest; at once, if a test says nothing else. */
let rest: () => Promise<void>;

class FakeWorker extends Answering {
  readonly name = 'AB'[workers.length % 2] ?? '';
  ended = false;
  #step = 0;
  #config: RunConfig | null = null;

  override postMessage(message: { id: number; command?: Command }): void {
    const { id, command } = message;
    if (command) return super.postMessage({ id, command });
    const device = { info: { backend: 'cpu', name: '' }, reason: '' };
    this.reply({ id, ok: true, kind: 'opened', device });
  }

  protected answer(command: Command): Event {
    switch (command.type) {
      case 'create':
        this.#config = command.config;
        log.push(`${this.name} begins`);
        return { type: 'ready', summary: this.#summary() };
      case 'step': {
        if (this.#step + command.n > failsAt) {
          const failure = {
            kind: 'diverged',
            message: 'the loss is not a number',
            hint: 'Slower.',
          } as const;
          return { type: 'failed', failure };
        }
        const reports = Array.from({ length: command.n }, (_, i) => ({
          step: this.#step + i + 1,
          loss: 2,
          learning_rate: 1,
          depth: 1,
        }));
        this.#step += command.n;
        log.push(`${this.name} ${this.#step}`);
        meanwhile();
        return { type: 'stepped', reports };
      }
      case 'evaluate': {
        const [depth = 0] = command.depths;
        log.push(`${this.name} validates at ${depth}`);
        const depths = [
          { depth, loss: 2, perplexity: 1, bits_per_char: 1, bits_per_byte: 1, word_perplexity: 1 },
        ];
        return { type: 'evaluated', step: this.#step, depths };
      }
      default:
        throw new Error(`not asked in a comparison: ${command.type}`);
    }
  }

  #summary() {
    if (!this.#config) throw new Error('nothing was created');
    return {
      config: this.#config,
      vocab: { kind: 'byte' },
      parameters: 1,
      step: 0,
      trainable: true,
      train_tokens: 100,
      val_tokens: 100,
      chance_loss: 4,
      training_flops_per_token: 1,
      family: 'language',
      tokens_per_step: tokensPerStep(this.#config),
    } as const;
  }

  override terminate(): void {
    this.ended = true;
    super.terminate();
  }
}

beforeEach(() => {
  log = [];
  failsAt = Infinity;
  meanwhile = () => undefined;
  workers = [];
  rest = () => Promise.resolve();
  vi.stubGlobal('document', { baseURI: 'http://localhost/' });
});
afterEach(() => vi.unstubAllGlobals());

function comparisonOf(plan: Partial<ComparisonPlan> = {}): Comparison {
  return new Comparison(
    {
      spawn: () => {
        const worker = new FakeWorker();
        workers.push(worker);
        return new SessionClient(worker);
      },
      wish: { device: 'cpu', software: false },
      quiet: () => {
        log.push('quiet');
        return rest();
      },
      text: () => Promise.resolve({ corpus: 'a text', own: null }),
      remember: () => undefined,
    },
    { ...DEFAULT_COMPARISON, steps: 40, ...plan },
  );
}

const running = () => workers.filter((worker) => !worker.ended).length;

test('the run at hand rests first; then each side does what the other did', async () => {
  const two = comparisonOf();
  await two.train();
  expect(two.phase).toBe('done');
  expect(log[0]).toBe('quiet');
  const of = (side: string) =>
    log.filter((line) => line.startsWith(side)).map((line) => line.slice(2));
  // All but the depth at which they are validated, which is each side's own.
  const steps = (side: string) => of(side).filter((line) => !line.startsWith('validates'));
  expect(steps('A')).toEqual(steps('B'));
  expect(steps('A').at(-1)).toBe('40');
  expect(of('A')).toContain('validates at 1');
  expect(of('B')).toContain('validates at 2');
  expect(two.sides?.map((side) => side.validation.map((p) => p.step))).toEqual(
    Array.from({ length: 2 }, () => Array.from({ length: 21 }, (_, i) => 2 * i)),
  );
  // By turns: no side is ever more than a slice ahead.
  const order = log.filter((line) => /^[AB] \d+$/.test(line)).map((line) => line[0]);
  expect(order.join('')).toMatch(/^(AB)+$/);
  expect(running()).toBe(0);
});

test('a pause in the turn of A lets B catch up, and training goes on from there', async () => {
  const two = comparisonOf();
  meanwhile = () => {
    if (log.at(-1) === 'A 2') two.pause();
  };
  await two.train();
  expect(two.phase).toBe('paused');
  expect(two.sides?.map((side) => side.step)).toEqual([2, 2]);
  expect(running()).toBe(2);
  await two.train();
  expect(two.phase).toBe('done');
  expect(two.sides?.map((side) => side.training.map((p) => p.step))).toEqual(
    Array.from({ length: 2 }, () => Array.from({ length: 40 }, (_, i) => i + 1)),
  );
  expect(workers).toHaveLength(2);
});

test('pressed on and off within a slice, no step is lost or made twice', async () => {
  const two = comparisonOf();
  const later: Promise<void>[] = [];
  meanwhile = () => {
    two.pause();
    later.push(two.train());
    two.pause();
    later.push(two.train());
  };
  await two.train();
  while (later.length > 0) await later.shift();
  expect(two.phase).toBe('done');
  expect(two.sides?.map((side) => side.training.map((p) => p.step))).toEqual(
    Array.from({ length: 2 }, () => Array.from({ length: 40 }, (_, i) => i + 1)),
  );
});

test('an error of a side is said by its name, ends both, and keeps their curves', async () => {
  failsAt = 20;
  const two = comparisonOf();
  await two.train();
  expect(two.phase).toBe('failed');
  expect(two.problem).toBe('A: The loss is not a number. Slower.');
  expect(two.sides?.[0].step).toBeGreaterThan(0);
  expect(running()).toBe(0);
  failsAt = Infinity;
  await two.train();
  expect([two.phase, two.problem]).toEqual(['done', null]);
});

test('closed in the middle, it leaves nothing running and says nothing', async () => {
  const two = comparisonOf();
  meanwhile = () => {
    if (log.at(-1) === 'B 4') two.show(false);
  };
  await two.train();
  expect([two.open, two.phase, two.problem, two.sides]).toEqual([false, 'ready', null, null]);
  expect(running()).toBe(0);
  expect(log.at(-1)).toBe('B 4');
});

test('reset before the current run rests and begun again, it starts one pair of workers', async () => {
  const resting: (() => void)[] = [];
  rest = () => new Promise((resolve) => resting.push(resolve));
  const two = comparisonOf();
  const first = two.train();
  two.reset();
  const second = two.train();
  expect(workers).toHaveLength(0);
  for (const settle of resting) settle();
  await Promise.all([first, second]);
  expect([two.phase, two.problem]).toEqual(['done', null]);
  expect(workers).toHaveLength(2);
  expect(running()).toBe(0);
});

test('a plan that cannot be compared is not trained', async () => {
  const two = comparisonOf({ a: { batch_size: 3 } });
  await two.train();
  expect(two.phase).toBe('ready');
  expect(workers).toHaveLength(0);
});
