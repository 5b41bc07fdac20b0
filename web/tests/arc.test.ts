import { beforeEach, describe, expect, test } from 'vitest';

import { SessionClient } from '../src/client/client';
import { ArcPredictions } from '../src/rooms/puzzles/arc-predictions.svelte';
import { Tasks } from '../src/rooms/puzzles/arc-tasks.svelte';
import { PuzzleDatasets } from '../src/rooms/puzzles/datasets';
import { WorkerRun } from '../src/run/worker-run';
import type { ArcAnswers, ArcTask, Command, Event, RunSummary } from '../src/gen';
import {
  alike,
  attemptsOf,
  predictionsOf,
  cellWords,
  changesIn,
  distinct,
  describe as inWords,
  isChanged,
  knowledge,
  knowsAll,
  resultOf,
  stemOf,
  tasksText,
  verdictOf,
} from '../src/rooms/puzzles/arc';
import { ARC, OFFERED } from '../src/rooms/puzzles/kinds';
import { SAMPLE, SAMPLE_TEXT } from '../src/rooms/puzzles/arc-sample';
import { inTab } from '../src/rooms/puzzles/browser-config';
import { readPuzzle, writePuzzle } from '../src/rooms/puzzles/url';
import { preset } from '../src/run/presets';
import { Answering } from './support/session';

function known(name: string) {
  const config = preset(name);
  if (!config) throw new Error(`there is no preset ${name}`);
  return config;
}

const GRID = [
  [1, 0],
  [0, 2],
];

describe('a grid', () => {
  test('is told in words, as a whole and by cell', () => {
    expect(inWords(GRID)).toBe('2 × 2 grid; row 1: 1 0; row 2: 0 2');
    expect(inWords([])).toBe('no grid');
    expect(cellWords(GRID, 1, 1)).toBe('Row 2, column 2: 2, red');
    expect(cellWords(GRID, 2, 0)).toBe('');
  });

  test('is compared with another one cell by cell, of any size', () => {
    expect(
      alike(GRID, [
        [1, 0],
        [0, 2],
      ]),
    ).toBe(true);
    expect(alike(GRID, [[1, 0]])).toBe(false);
    expect(alike([[1, 0]], [[1]])).toBe(false);
    expect(alike([], [])).toBe(true);
    expect(changesIn(null, GRID)).toBe(0);
    expect(changesIn([[1, 3]], GRID)).toBe(3);
    expect(isChanged([[1, 3]], GRID, 0, 0)).toBe(false);
  });
});

test('the attempts are the first two candidates, right or wrong', () => {
  const [a, b, c] = [[[1]], [[2]], [[3]]];
  const candidates = [a, b, c].map((answer, i) => ({ answer, votes: 3 - i, halt: 0.5 }));
  expect(attemptsOf(candidates).map(({ answer }) => answer)).toEqual([a, b]);
  expect(verdictOf(a, [[1]])).toBe('right');
  expect(verdictOf([], [[1]])).toBe('wrong');
  expect(verdictOf(a, null)).toBe('unknown');
  expect(resultOf(candidates, [[2]])).toBe('Solved: the second attempt is right.');
  expect(resultOf(candidates, [[3]])).toMatch(/^Not solved/);
  expect(resultOf(candidates, null)).toMatch(/does not contain the correct output/);
});

test('each augmented copy votes for its last answer', () => {
  const answers = { augmentations: 2, seen: GRID, answers: [[[1]], []], halt: [0.1, 0.7] };
  expect(predictionsOf([answers])).toEqual([{ answer: [], halt: 0.7 }]);
});

test('what a model knows is named, and counted where it is much', () => {
  const tasks = Array.from({ length: 10 }, (_, i) => ({ name: `t${i}`, guises: 1 }));
  expect(knowledge(tasks.slice(0, 1))).toBe('one task: t0');
  expect(knowledge(tasks)).toBe('10 tasks: t0, t1, t2, t3, t4, t5, t6, t7 and 2 more');
  const vocab = { kind: 'arc', tasks: [{ name: 'mirror', guises: 2 }] } as const;
  const all = { ...vocab, tasks: [...vocab.tasks] };
  expect(
    knowsAll(
      all,
      SAMPLE.filter(({ name }) => name === 'mirror'),
    ),
  ).toBe(true);
  expect(knowsAll(all, SAMPLE)).toBe(false);
  expect(knowsAll(undefined, SAMPLE)).toBe(false);
});

test('the sample is tasks whose grids are grids, and whose rules hold', () => {
  expect(SAMPLE.map(({ name }) => name)).toEqual([...new Set(SAMPLE.map(({ name }) => name))]);
  for (const { name, train, test } of SAMPLE) {
    expect(test.length, name).toBeGreaterThan(0);
    for (const { input, output } of [...train, ...test]) {
      for (const grid of [input, output ?? []]) {
        expect(new Set(grid.map((row) => row.length)).size, name).toBe(1);
        expect(
          grid.flat().every((cell) => cell >= 0 && cell <= 9),
          name,
        ).toBe(true);
      }
      if (name === 'mirror') expect(output).toEqual(input.map((row) => row.toReversed()));
      if (name === 'trade-colours') {
        expect(output).toEqual(input.map((row) => row.map((cell) => [0, 2, 1][cell])));
      }
    }
  }
  expect(stemOf('a.b.JSON')).toBe('a.b');
  expect(stemOf('.json')).toBe('task');
});

test('a tab trains a small model on the CPU, and the preset on WebGPU', () => {
  const config = known('arc');
  expect(inTab(config, 'webgpu')).toBe(config);
  const small = inTab(config, 'cpu');
  expect(small.model).toMatchObject({ variant: 'trm', hidden_size: 32, seq_len: 900 });
  expect(small.data.dataset).toBe('arc');
  expect(inTab(known('sudoku-9x9'), 'webgpu').data.num_puzzles).toBe(1000);
});

test('an address names the task and its test', () => {
  expect(OFFERED).toContain(ARC.name);
  const page = { preset: 'arc', config: known('arc'), origin: null, kind: ARC };
  const look = { steps: null, threshold: 0.5 };
  const wish = { device: 'auto', software: false } as const;
  const written = writePuzzle({ ...page, ...wish, look, task: 'a & b', test: 2 });
  expect(readPuzzle(written)).toMatchObject({ kind: ARC, task: 'a & b', test: 2, problems: [] });
  expect(readPuzzle('?kind=arc')).toMatchObject({ preset: 'arc', named: false, test: 0 });
  expect(readPuzzle('?kind=arc&test=0&puzzle=1').problems).toEqual([
    'The puzzle in the address does not fit “ARC tasks”.',
    '“0” is not a valid value for test.',
  ]);
});

const OTHER: ArcTask = {
  name: 'other',
  train: [{ input: GRID, output: GRID }],
  test: [{ input: GRID, output: null }],
};

/** Knows one task in three augmented copies, of which the last disagrees. */
class Knowing extends Answering {
  readonly asked: Command[] = [];
  tasks: ArcTask[] = [OTHER];
  refuse: 'puzzle' | 'data' | null = null;

  protected answer(command: Command): Event {
    this.asked.push(command);
    if (this.refuse) {
      const failure = { kind: this.refuse, message: 'no such task', hint: 'Train one.' };
      return { type: 'failed', failure };
    }
    switch (command.type) {
      case 'read_tasks':
        return { type: 'tasks', tasks: this.tasks };
      case 'predict_arc': {
        const answer = command.augmentation === 2 ? [[9]] : GRID;
        const answers: ArcAnswers = {
          augmentations: 3,
          seen: GRID,
          answers: [answer],
          halt: [0.5],
        };
        return { type: 'arc_predicted', step: 7, answers };
      }
      case 'vote': {
        const [first, ...rest] = command.predictions;
        const answer = first?.answer ?? [];
        return { type: 'voted', candidates: [{ answer, votes: rest.length + 1, halt: 0.5 }] };
      }
      case 'attach':
      case 'create':
      case 'load':
        return { type: 'ready', summary: summary(command.data !== null) };
      default:
        throw new Error(`${command.type} was not expected`);
    }
  }
}

function summary(trainable: boolean): RunSummary {
  const vocab = { kind: 'arc' as const, tasks: [{ name: 'other', guises: 2 }] };
  const numbers = { parameters: 10, step: 7, train_tokens: 1, val_tokens: 1, chance_loss: 1 };
  const costs = { training_flops_per_token: 1, tokens_per_step: 1 };
  return { config: known('arc'), family: 'puzzles', vocab, ...numbers, trainable, ...costs };
}

let session: Knowing;
let client: SessionClient;

beforeEach(() => {
  session = new Knowing();
  client = new SessionClient(session);
});

describe('the tasks at hand', () => {
  test('are the sample, until others have been read', async () => {
    const tasks = new Tasks('fall-down', 5);
    expect([tasks.task?.name, tasks.test]).toEqual(['fall-down', 0]);
    await tasks.read(client, 'other.json', 'some text');
    expect(session.asked).toEqual([{ type: 'read_tasks', name: 'other', text: 'some text' }]);
    expect([tasks.task, tasks.truth]).toEqual([OTHER, null]);
    expect(JSON.parse(tasks.text)).toEqual({ other: { train: OTHER.train, test: OTHER.test } });
    tasks.sample();
    expect(tasks.text).toBe(SAMPLE_TEXT);
  });

  test('have different names, whatever the file calls them', async () => {
    const names = (all: readonly ArcTask[]) => all.map(({ name }) => name);
    const called = ['a', 'a', 'b', 'a', 'a (2)'].map((name) => ({ ...OTHER, name }));
    expect(names(distinct(called))).toEqual(['a', 'a (2)', 'b', 'a (3)', 'a (2) (2)']);
    session.tasks = called;
    const tasks = new Tasks(null, 0);
    await tasks.read(client, 'twice.json', 'some text');
    expect(tasks.text.match(/"train"/g)).toHaveLength(called.length);
    tasks.choose('a (3)');
    expect(tasks.task?.name).toBe('a (3)');
  });

  test('may have no test', async () => {
    session.tasks = [{ ...OTHER, test: [] }];
    const tasks = new Tasks(null, 0);
    await tasks.read(client, 'none.json', 'some text');
    expect([tasks.task?.train, tasks.pair, tasks.truth]).toEqual([OTHER.train, null, null]);
  });

  test('stay when others are refused', async () => {
    const tasks = new Tasks(null, 0);
    session.refuse = 'puzzle';
    await expect(tasks.read(client, 'a', '{')).rejects.toThrow();
    expect(tasks.all).toBe(SAMPLE);
    tasks.turn('kept');
    await expect(tasks.settle(client)).rejects.toThrow();
    // A run whose tasks cannot be read is not asked for them for ever.
    expect(tasks.pending).toBe(false);
  });

  test('are those that a run learned from, once it is taken up', async () => {
    const tasks = new Tasks(null, 0);
    tasks.turn(SAMPLE_TEXT);
    expect(tasks.pending).toBe(false);
    tasks.turn('kept');
    await tasks.settle(client);
    expect(tasks.all).toEqual([OTHER]);
  });
});

describe('predictions', () => {
  const request = { task: OTHER, test: 0, steps: 1 };

  test('are asked for copy by copy, until all have voted', async () => {
    const predictions = new ArcPredictions();
    predictions.begin(request);
    while (predictions.wanted) await predictions.next(client);
    const augmentations = session.asked.flatMap((each) =>
      each.type === 'predict_arc' ? [each.augmentation] : [],
    );
    expect(augmentations).toEqual([0, 1, 2]);
    expect(session.asked.at(-1)).toMatchObject({ type: 'vote', predictions: { length: 3 } });
    // The test as it is stays in view.
    expect([predictions.augmentations, predictions.step, predictions.at]).toEqual([3, 7, 0]);
    expect(predictions.shown?.answers).toEqual([GRID]);
    predictions.selected = null;
    expect(predictions.at).toBe(2);
  });

  test('keep what was answered when they are stopped', async () => {
    const predictions = new ArcPredictions();
    predictions.begin(request);
    await predictions.next(client);
    const going = predictions.next(client);
    predictions.stop();
    await going;
    expect([predictions.wanted, predictions.answers.length]).toEqual([false, 2]);
  });

  test('take no answer to a request that has been replaced', async () => {
    const predictions = new ArcPredictions();
    predictions.begin(request);
    const going = predictions.next(client);
    predictions.begin(request);
    await going;
    expect([predictions.wanted, predictions.answers.length]).toEqual([true, 0]);
    const late = predictions.next(client);
    predictions.forget();
    await late;
    expect([predictions.candidates.length, predictions.wanted]).toEqual([0, false]);
  });

  test('end with a task that the model does not know', async () => {
    const predictions = new ArcPredictions();
    session.refuse = 'puzzle';
    predictions.begin(request);
    await predictions.next(client);
    expect([predictions.wanted, predictions.problem?.hint]).toEqual([false, 'Train one.']);
    predictions.begin(request);
    expect(predictions.problem).toBeNull();
  });
});

describe('what a model of tasks learns from', () => {
  test('is the sample where nothing else is given, in a table of its own size', async () => {
    const workerRun = new WorkerRun('puzzles', new PuzzleDatasets());
    const config = known('arc');
    const wide = { ...config, model: { ...config.model, num_puzzle_identifiers: 50 } };
    await workerRun.create(client, wide, null);
    const data = { kind: 'arc_tasks', name: 'tasks', text: SAMPLE_TEXT };
    expect(session.asked[0]).toMatchObject({ config, data });
    expect(workerRun.own).toBe(SAMPLE_TEXT);
  });

  test('is given once it is to learn on, and again where it was refused', async () => {
    const workerRun = new WorkerRun('puzzles', new PuzzleDatasets());
    await workerRun.load(client, new Uint8Array([8]), null, null);
    const text = tasksText([OTHER]);
    session.refuse = 'data';
    await expect(workerRun.attach(client, text)).rejects.toMatchObject({
      failure: { kind: 'data' },
    });
    expect(workerRun.attachable).toBe(true);
    session.refuse = null;
    expect((await workerRun.attach(client, text))?.trainable).toBe(true);
    expect([workerRun.attachable, workerRun.own]).toEqual([false, text]);
  });
});
