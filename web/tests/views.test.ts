// What views write, without a browser.

import { createRawSnippet } from 'svelte';
import { render } from 'svelte/server';
import { describe, expect, test, vi } from 'vitest';

import RefinementGrid from '../src/rooms/language/views/RefinementGrid.svelte';
import type { RunSummary } from '../src/gen';
import { empty, FLOOR, GOAL, PATH, START } from '../src/rooms/puzzles/board';
import { ArcPredictions } from '../src/rooms/puzzles/arc-predictions.svelte';
import { kindOf } from '../src/rooms/puzzles/kinds';
import type { Cell } from '../src/rooms/puzzles/solving';
import ArcAnswer from '../src/rooms/puzzles/views/ArcAnswer.svelte';
import Board from '../src/rooms/puzzles/views/Board.svelte';
import { Asking } from '../src/rooms/questions/asking.svelte';
import { Base } from '../src/rooms/questions/base.svelte';
import Ask from '../src/rooms/questions/views/Ask.svelte';
import BaseModel from '../src/rooms/questions/views/BaseModel.svelte';
import { Cursor } from '../src/run/cursor.svelte';
import type { Shipped } from '../src/run/manifest';
import { preset } from '../src/run/presets';
import Gallery from '../src/ui/Gallery.svelte';

const nothing = () => undefined;
const words = (body: string) => body.replace(/<!--.*?-->/g, '').replace(/\s+/g, ' ');

describe('a base model', () => {
  const site = { title: 'Tiny', file: 'tiny.gguf', bytes: 1e6, sha256: 'a' };
  const other = { name: 'other.gguf', bytes: 5e6, sha256: 'b' };

  function written(base: Base): string {
    const calls = { fetch: nothing, open: nothing, forget: nothing, take: nothing };
    const props = { base, phase: 'ready' as const, engine: null, idle: true, ...calls };
    return words(render(BaseModel, { props }).body);
  }

  test('of the site is offered wherever it is neither open nor kept', () => {
    const base = new Base();
    base.site = site;
    expect(written(base)).toContain('Get it from this site (1.0 MB)');
    base.kept = other;
    expect(written(base)).toContain('Get Tiny from this site');
    base.kept = { ...other, sha256: site.sha256 };
    expect(written(base)).not.toContain('from this site (');
    base.kept = null;
    const sizes = { parameters: 1, layers: 1, tokens: 9, context: 512, chats: true };
    base.open = { name: 'other.gguf', sha256: 'b', ...sizes };
    expect(written(base)).toContain('Get Tiny from this site');
    base.open = { ...base.open, sha256: site.sha256 };
    expect(written(base)).not.toContain('from this site (');
  });

  test('that the site does not offer is named, with how to get it', () => {
    const base = new Base();
    expect(written(base)).toContain('<code>SmolLM2-135M-Instruct.Q4_1.gguf</code>, 98 MB.');
    // Until the list has come, the site may offer it.
    expect(written(base)).not.toContain('does not offer');
    base.site = null;
    expect(written(base)).toContain('<code>node scripts/datasets.mjs smollm2</code> downloads it');
    expect(written(base)).toContain('When open, it uses about 0.7 GB of memory.');
    base.site = site;
    expect(written(base)).not.toContain('datasets.mjs');
    expect(written(base)).toContain('When open, it uses about 0.7 GB of memory.');
  });

  test('that is fetched is announced, and not the bytes', () => {
    const base = new Base();
    base.busy = { kind: 'fetching', received: 1e6, total: 5e6 };
    expect(written(base)).toMatch(/aria-live="polite">Fetching<\/span> 1.0 MB of 5.0 MB/);
  });
});

describe('a question', () => {
  const config = preset('cups-5');
  if (!config) throw new Error('the preset is missing');
  const summary: RunSummary = {
    config,
    vocab: { kind: 'byte' },
    family: 'questions',
    ...{ parameters: 10, step: 3, trainable: false, train_tokens: 0, val_tokens: 0 },
    ...{ chance_loss: 1, training_flops_per_token: 1, tokens_per_step: 1 },
  };

  function asked(): Asking {
    const asking = new Asking();
    asking.begin(summary);
    asking.asked = 'Which cup?';
    asking.answers = [{ depth: 1, text: 'A', state: 'ended' }];
    const candidates = [' A', 'A'].map((text, token) => ({ token, text, ends: false }));
    const steps = [0, 1].map((step) => ({ step, halt: null, prob: [0.2, 0.5] }));
    asking.considered = { tokens: 5, think: 0.5, candidates, steps };
    return asking;
  }

  function written(asking: Asking): string {
    const model = { title: 'Cups', summary };
    const children = createRawSnippet(() => ({ render: () => '<i></i>' }));
    const props = { asking, model, who: '', idle: true, ask: nothing, children };
    return words(render(Ask, { props }).body);
  }

  test('that was answered stays with its answers while another one is processed', () => {
    const asking = asked();
    expect(written(asking)).toContain('Answers to:</span> Which cup?');
    expect(written(asking)).not.toContain('<progress');
    asking.busy = true;
    expect(written(asking)).toContain('Processing the question');
    asking.answers = [{ depth: 1, text: '', state: 'writing' }];
    expect(written(asking)).toContain('Writing the answers');
  });

  test('has a legend with the names of the table', () => {
    expect(written(asked())).toMatch(/<\/span>␣A<\/li>.*<\/span>A<\/li>/);
  });

  test('marks the depths of its answers, and not those of the next one', () => {
    const asking = asked();
    const marked = () => /class="[^"]*asked[^"]*"><th[^>]*>(\d+)/g;
    expect([...written(asking).matchAll(marked())].map(([, step]) => step)).toEqual(['1']);
    asking.choose(0, false);
    asking.choose(2, true);
    expect([...written(asking).matchAll(marked())].map(([, step]) => step)).toEqual(['1']);
  });
});

test('the model that is in use has words in place of its button', () => {
  const config = preset('tiny');
  if (!config) throw new Error('the preset is missing');
  const numbers = { bytes: 1, parameters: 1, seed: 1, minutes: 1, step: 1, losses: [] };
  const about = { file: '', sha256: '', description: '', variant: '', dataset: '', command: '' };
  const models = ['first', 'second'].map((name): Shipped => ({
    name,
    title: name,
    ...numbers,
    ...about,
    config,
    hardware: '',
  }));
  const figure = createRawSnippet(() => ({ render: () => '<i></i>' }));
  const rest = { list: 'here', fetching: {}, disabled: false, kept: true, open: nothing } as const;
  const props = { models, opened: 'second', figure, ...rest };
  const written = words(render(Gallery, { props }).body);
  // The focus of a button finds what takes its place by its id.
  expect(written).toMatch(/<button[^>]* id="open-first"[^>]*> ?Open/);
  expect(written).toMatch(/<p[^>]* id="open-second" tabindex="-1">In use<\/p>/);
  expect(written.match(/<button/g)).toHaveLength(1);
});

test('a grid says when it is that of the previous prompt', () => {
  vi.stubGlobal('devicePixelRatio', 1);
  const written = (outdated: boolean) => {
    const children = createRawSnippet(() => ({ render: () => '<i></i>' }));
    const rest = { shown: null, depth: 2, chance: 1, opening: false, still: true };
    const props = {
      cursor: new Cursor(),
      ...rest,
      outdated,
      point: nothing,
      children,
      share: children,
    };
    return words(render(RefinementGrid, { props }).body);
  };
  expect(written(true)).toContain('This grid is for the previous prompt.');
  expect(written(false)).not.toContain('previous prompt');
  vi.unstubAllGlobals();
});

test('a maze shows where the path is missing and where it is too much', () => {
  const kind = kindOf('maze-10x10');
  if (!kind) throw new Error('there is no such kind');
  const put = (tokens: readonly number[]) => empty(kind).map((floor, at) => tokens[at] ?? floor);
  const solution = put([START, PATH, FLOOR, GOAL]);
  const answer = put([START, FLOOR, PATH, GOAL]);
  const cells = answer.map((token, at): Cell => {
    const marks = { sure: 0.5, changed: false, broken: false };
    return {
      token,
      given: token === START || token === GOAL,
      ...marks,
      wrong: token !== solution[at],
    };
  });
  const board = put([START, FLOOR, FLOOR, GOAL]);
  const editor = { kind, board, begin: nothing, end: nothing };
  const cursor = new Cursor();
  const props = {
    editor,
    cursor,
    cells,
    refused: new Set<number>(),
    solution,
    brush: 1,
    put: nothing,
    undo: nothing,
  };
  const written = words(render(Board, { props }).body);
  expect([...written.matchAll(/<sub[^>]*>(.)<\/sub>/g)].map(([, mark]) => mark)).toEqual([
    '+',
    '×',
  ]);
  expect(written).toContain('Row 1, column 2: floor, path 50 %; solution: path');
  expect(written).toContain('Row 1, column 3: path, path 50 %; solution: floor');
});

test('an ARC task without a test cannot be answered', () => {
  const config = preset('arc');
  if (!config) throw new Error('there is no preset arc');
  const summary: RunSummary = {
    config,
    vocab: { kind: 'arc', tasks: [{ name: 'mirror', guises: 1 }] },
    family: 'puzzles',
    ...{ parameters: 10, step: 3, trainable: false, train_tokens: 0, val_tokens: 0 },
    ...{ chance_loss: 1, training_flops_per_token: 1, tokens_per_step: 1 },
  };
  const about = { predictions: new ArcPredictions(), task: 'mirror', summary, about: null };
  const rest = { step: 3, phase: 'paused' as const, answer: nothing };
  const written = [true, false].map(
    (testable) => render(ArcAnswer, { props: { ...about, ...rest, testable } }).body,
  );
  expect(written.map((body) => body.includes(' disabled'))).toEqual([false, true]);
});
