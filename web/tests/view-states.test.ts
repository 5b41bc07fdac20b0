// What views write in states that go by quickly in a browser.

import { render } from 'svelte/server';
import { describe, expect, test, vi } from 'vitest';

import type { Trace } from '../src/gen';
import Solve from '../src/landing/views/Solve.svelte';
import { SolveExhibit } from '../src/landing/solve.svelte';
import { empty } from '../src/rooms/puzzles/board';
import { PuzzleCopies } from '../src/rooms/puzzles/puzzle-copies.svelte';
import { kindOf } from '../src/rooms/puzzles/kinds';
import CopiesView from '../src/rooms/puzzles/views/PuzzleCopies.svelte';
import { Chat } from '../src/rooms/questions/chat.svelte';
import ChatView from '../src/rooms/questions/views/Chat.svelte';
import Models from '../src/rooms/questions/views/Models.svelte';
import type { ListState } from '../src/run/gallery.svelte';
import { preset } from '../src/run/presets';
import { settingOf, withSetting } from '../src/run/settings';
import type { Phase } from '../src/run/state';
import Settings from '../src/ui/Settings.svelte';
import TrainButtons from '../src/ui/TrainButtons.svelte';

const nothing = () => undefined;
const words = (body: string) => body.replace(/<!--.*?-->/g, '').replace(/\s+/g, ' ');

test('a list of models without any says whether it comes, is unread or is empty', () => {
  const said = (list: ListState) => {
    const rest = { models: [], fetching: {}, awaited: null, loading: false, disabled: false };
    const props = { list, ...rest, open: nothing, take: nothing };
    return words(render(Models, { props }).body);
  };
  const none = 'This site has no pre-trained model.';
  expect(said('coming')).toContain('Looking for the models of this site …');
  expect(said('coming')).not.toContain(none);
  expect(said('unread')).toContain('The list of models could not be read. Reload the page');
  expect(said('unread')).not.toContain(none);
  for (const list of ['here', 'none'] as const) expect(said(list)).toContain(none);
});

test('copies of a puzzle are counted once they are answered, right or wrong', () => {
  const kind = kindOf('sudoku-4x4');
  if (!kind) throw new Error('there is no such kind');
  const copies = new PuzzleCopies();
  const trace: Trace = { variant: 'trm', depth: 0, tokens: [[]], steps: [] };
  const answer = { kind, puzzle: empty(kind), trace, checks: [], step: 1 };
  copies.answers = [answer, answer];
  const props = { copies, differ: '', threshold: 0.5, ready: true, ask: nothing };
  expect(words(render(CopiesView, { props }).body)).toContain('2 of 8 copies answered.');
});

test('an exhibit whose model did not come says so alone', () => {
  vi.stubGlobal('matchMedia', () => ({ matches: true }));
  const solve = new SolveExhibit();
  vi.unstubAllGlobals();
  const said = () => words(render(Solve, { props: { solve, href: './' } }).body);
  expect(said()).toContain('Loading the model …');
  solve.problem = 'This site comes without the model for it.';
  expect(said()).toContain(solve.problem);
  expect(said()).not.toContain('Loading the model');
  expect(said()).not.toContain('class="dots');
});

test('what becomes of the current run is said where a new one begins', () => {
  const current = preset('tiny');
  const layers = settingOf('n_layers');
  if (!current || !layers) throw new Error('the preset is missing');
  const draft = withSetting(current, layers, 3);
  const said = (kept: boolean) => {
    const props = { draft, current, kept, edit: nothing, apply: nothing, restart: nothing };
    return words(render(Settings, { props }).body);
  };
  expect(said(true)).toContain('This needs a new run; your current run is saved.');
  expect(said(false)).toContain('your current run is not saved: save a checkpoint first.');
});

describe('a button whose action changes is not disabled, so that it keeps the focus', () => {
  /** The first button: what it says, and whether it can be pressed. */
  const first = (body: string) => {
    const [, attributes = '', name = ''] = /<button([^>]*)>(.*?)<\/button>/.exec(words(body)) ?? [];
    expect(attributes).not.toMatch(/ disabled/);
    return [name.trim(), attributes.includes('aria-disabled="false"')];
  };

  test('where a run trains', () => {
    const written = (phase: Phase, trainable: boolean, opened = false) => {
      const calls = { train: nothing, pause: nothing, reset: nothing };
      return first(render(TrainButtons, { props: { phase, trainable, opened, ...calls } }).body);
    };
    expect(written('paused', true)).toEqual(['Train', true]);
    // Its data are being made.
    expect(written('paused', false)).toEqual(['Train', false]);
    expect(written('training', true)).toEqual(['Pause', true]);
    expect(written('done', true)).toEqual(['Continue training', true]);
    expect(written('opening', true)).toEqual(['Train', false]);
    // A model that was opened is one of its states: there is nothing to reset.
    expect(written('paused', true, true)).toEqual(['Continue training', true]);
    expect(written('training', true, true)).toEqual(['Pause', true]);
    const calls = { train: nothing, pause: nothing, reset: nothing };
    const props = { phase: 'paused' as const, trainable: true, opened: true, ...calls };
    expect(render(TrainButtons, { props }).body).not.toContain('Reset');
  });

  test('where a chat is held', () => {
    const chat = new Chat();
    const written = () => {
      const props = { chat, ready: true, idle: !chat.busy, send: nothing };
      return first(render(ChatView, { props }).body);
    };
    expect(written()).toEqual(['Send', false]);
    chat.draft = 'Hello';
    expect(written()).toEqual(['Send', true]);
    [chat.draft, chat.writing] = ['', 'Hi'];
    expect(written()).toEqual(['Stop', true]);
  });
});
