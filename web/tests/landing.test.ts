// The exhibits of the start page: they move for longer than five seconds, so they can be paused.

import { render } from 'svelte/server';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { SessionClient } from '../src/client/client';
import { type Command, DEFAULT_CONFIG, type Event } from '../src/gen';
import { SolveExhibit } from '../src/landing/solve.svelte';
import Solve from '../src/landing/views/Solve.svelte';
import Write from '../src/landing/views/Write.svelte';
import { WriteExhibit } from '../src/landing/write.svelte';
import { Answering } from './support/session';
import { summaryOf } from './support/workers';

/** A session that writes one character after another, and reads what is asked for. */
class Session extends Answering {
  protected answer(command: Command): Event {
    const trace = { variant: 'trm_lm' as const, depth: 4, tokens: [[0]], steps: [] };
    switch (command.type) {
      case 'generate':
        return { type: 'generating', stream: 1 };
      case 'close':
        return { type: 'closed', stream: 1 };
      case 'pull': {
        const output = { text: 'e', tokens: [1], pieces: ['e'], done: false, trace };
        return { type: 'generated', stream: 1, output };
      }
      case 'trace':
        return { type: 'traced', step: 0, trace };
      default:
        throw new Error(`${command.type} was not expected`);
    }
  }
}

vi.mock('../src/landing/engine', async (original) => ({
  ...(await original<object>()),
  openModel: () =>
    Promise.resolve({
      client: new SessionClient(new Session()),
      summary: summaryOf(DEFAULT_CONFIG),
    }),
}));

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('matchMedia', () => ({ matches: false }));
  vi.stubGlobal('devicePixelRatio', 1);
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** The button of an exhibit's view: what it says, and whether it can be pressed. */
const button = (body: string) => {
  const [, attributes = '', name = ''] =
    [...body.matchAll(/<button([^>]*)>(.*?)<\/button>/gs)].find(([, , name = '']) =>
      /Pause|Continue/.test(name),
    ) ?? [];
  return [name.replace(/<!--.*?-->/g, ''), attributes.includes('aria-disabled="false"')];
};

test('the Sudoku rests while it is paused, and plays on or again', async () => {
  const solve = new SolveExhibit();
  const said = () => button(render(Solve, { props: { solve, href: './' } }).body);
  expect(said()).toEqual(['Pause', false]);
  void solve.play();
  await vi.advanceTimersByTimeAsync(1_000);
  const at = solve.step;
  expect([at > 0, said()]).toEqual([true, ['Pause', true]]);
  solve.paused = true;
  await vi.advanceTimersByTimeAsync(10_000);
  expect([solve.step, said()]).toEqual([at, ['Continue', true]]);
  solve.paused = false;
  await vi.advanceTimersByTimeAsync(1_000);
  expect(solve.step).toBeGreaterThan(at);
  solve.paused = true;
  void solve.play();
  expect([solve.step, solve.paused]).toEqual([0, false]);
  await vi.advanceTimersByTimeAsync(60_000);
  expect([solve.playing, said()]).toEqual([false, ['Pause', false]]);
});

test('the text rests while it is paused, and is written on or anew', async () => {
  const write = new WriteExhibit();
  const said = () => button(render(Write, { props: { write, href: './' } }).body);
  expect(said()).toEqual(['Pause', false]);
  void write.live(() => new SessionClient(new Session()));
  await vi.advanceTimersByTimeAsync(3_000);
  expect([write.problem, said()]).toEqual([null, ['Pause', true]]);
  write.paused = true;
  // The passes of the character that is shown end.
  await vi.advanceTimersByTimeAsync(1_000);
  const { text } = write;
  expect(text.length).toBeGreaterThan(0);
  await vi.advanceTimersByTimeAsync(10_000);
  expect([write.text, said()]).toEqual([text, ['Continue', true]]);
  write.paused = false;
  await vi.advanceTimersByTimeAsync(3_000);
  expect(write.text.length).toBeGreaterThan(text.length);
  write.paused = true;
  write.choose(2);
  expect(write.paused).toBe(false);
});
