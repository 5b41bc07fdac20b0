// What a language run does beside its steps: texts of the weights as they are, and the curve.

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { SessionClient } from '../src/client/client';
import { type Command, DEFAULT_CONFIG, type Event } from '../src/gen';
import { Answers } from '../src/rooms/language/answers.svelte';
import { LanguageRun } from '../src/rooms/language/language-run.svelte';
import { resolveOptions } from '../src/rooms/language/resolved-options';
import { DEFAULT_OPTIONS } from '../src/rooms/language/url';
import { Machine } from '../src/run/machine.svelte';
import { tabs } from '../src/ui/tabs.svelte';
import { Answering } from './support/session';
import { summaryOf } from './support/workers';

/** Requests that a text takes. */
const PULLS = 10;
/** More than a text rests until it is refreshed. */
const SLOW = 5_000;

/** A session whose texts are whole after some requests. */
class Session extends Answering {
  readonly asked: Command[] = [];
  /** Texts that were written to their end. */
  whole = 0;
  step = 0;
  /** Requests so far, by stream. */
  readonly open = new Map<number, number>();
  #next = 0;

  count(type: Command['type']): number {
    return this.asked.filter((each) => each.type === type).length;
  }

  protected answer(command: Command): Event {
    this.asked.push(command);
    switch (command.type) {
      case 'generate':
        this.open.set((this.#next += 1), 0);
        return { type: 'generating', stream: this.#next };
      case 'close':
        this.open.delete(command.stream);
        return { type: 'closed', stream: command.stream };
      case 'pull': {
        const { stream } = command;
        const pulls = (this.open.get(stream) ?? PULLS) + 1;
        this.open.set(stream, pulls);
        const done = pulls >= PULLS;
        if (done) this.open.delete(stream);
        this.whole += Number(done);
        return { type: 'generated', stream, output: { text: 'e', tokens: [], pieces: [], done } };
      }
      case 'step': {
        this.step += 1;
        const report = { step: this.step, loss: 1, learning_rate: 0.1, depth: 1 };
        return { type: 'stepped', reports: [report] };
      }
      case 'trace': {
        const trace = { variant: 'trm_lm' as const, depth: 1, tokens: [[]], steps: [] };
        return { type: 'traced', step: this.step, trace };
      }
      case 'evaluate':
        return { type: 'evaluated', step: this.step, depths: [] };
      default:
        throw new Error(`${command.type} was not expected`);
    }
  }
}

let session: Session;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
  vi.stubGlobal('matchMedia', () => ({ matches: true }));
  session = new Session();
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe('a run', () => {
  let run: LanguageRun;

  beforeEach(() => {
    tabs.open = 'explore';
    const client = () => new SessionClient(session);
    const machine = new Machine(client, { device: 'cpu', software: false }, 'language');
    run = new LanguageRun(machine, { config: DEFAULT_CONFIG, options: DEFAULT_OPTIONS });
    run.begin(summaryOf(DEFAULT_CONFIG), null, null, true);
  });

  /** Does all that can be done now, beside training. */
  async function settle(): Promise<void> {
    for (let turns = 0; turns < 200; turns += 1) {
      const now = performance.now();
      if (!(await run.respond(now)) && !(await run.idle(now))) return;
    }
    throw new Error('there is always something to do');
  }

  /** A slow step, after what comes before it. */
  async function learn(): Promise<void> {
    for (let turns = 0; turns < 200 && (await run.respond(performance.now())); turns += 1);
    vi.advanceTimersByTime(SLOW);
    await run.step();
  }

  test('finishes its text although every step is slow, and refreshes it then', async () => {
    run.train();
    for (let steps = 0; steps < 4 * PULLS; steps += 1) await learn();
    expect(session.whole).toBeGreaterThan(1);
    expect(session.count('close')).toBe(0);
  });

  test('rewrites its text when it pauses, without waiting', async () => {
    run.train();
    for (let steps = 0; steps < 2 * PULLS && session.whole === 0; steps += 1) await learn();
    const { watched } = run.answers;
    // It was begun with the weights of an earlier step.
    expect([watched.writing, watched.step < run.state.step]).toEqual([false, true]);
    run.pause();
    await settle();
    expect([session.whole, watched.step]).toEqual([2, run.state.step]);
  });

  test('rewrites a text in the middle when it pauses, and after a single step', async () => {
    run.train();
    await learn();
    await learn();
    expect(run.answers.watched.writing).toBe(true);
    run.pause();
    await settle();
    expect([session.whole, session.count('close')]).toEqual([1, 1]);
    run.single();
    await run.step();
    await settle();
    expect([session.whole, run.answers.watched.step]).toEqual([2, run.state.step]);
  });

  test('measures its curve again some time after it paused', async () => {
    run.look('curve', true);
    await settle();
    run.train();
    await run.step();
    run.pause();
    await settle();
    expect(run.depthLosses.shown?.step).toBe(0);
    const due = run.due(performance.now());
    expect(due).toBeGreaterThan(0);
    run.look('curve', false);
    expect(run.due(performance.now())).toBeNull();
    run.look('curve', true);
    vi.advanceTimersByTime(due ?? 0);
    await settle();
    expect([run.depthLosses.shown?.step, run.due(performance.now())]).toEqual([1, null]);
  });
});

test('a text that is no longer compared is closed', async () => {
  const answers = new Answers();
  const client = new SessionClient(session);
  const options = resolveOptions({ ...DEFAULT_OPTIONS, depths: [1, 2, 3] }, null, null);
  const advance = (resolved = options) =>
    answers.advance(client, resolved, 0, performance.now(), true, false);
  answers.renew(options);
  for (let begun = 0; begun < 4; begun += 1) await advance();
  for (const answer of answers.compared) await answer.advance(client, { ...options, depth: 1 }, 0);
  expect(session.open.size).toBe(4);
  const fewer = { ...options, depths: [1] };
  answers.renew(fewer);
  for (let turns = 0; turns < 99 && (await advance(fewer)) !== 'nothing'; turns += 1);
  expect(session.open.size).toBe(0);
});
