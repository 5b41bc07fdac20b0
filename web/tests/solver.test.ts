import { beforeEach, expect, test, vi } from 'vitest';

import { SessionClient } from '../src/client/client';
import type { ArcTask, Command, Event, RunSummary } from '../src/gen';
import { SAMPLE } from '../src/rooms/puzzles/arc-sample';
import { Tasks } from '../src/rooms/puzzles/arc-tasks.svelte';
import { PuzzleEditor } from '../src/rooms/puzzles/editor.svelte';
import { kindOf } from '../src/rooms/puzzles/kinds';
import { Solver } from '../src/rooms/puzzles/solver.svelte';
import { DEFAULT_LOOK } from '../src/rooms/puzzles/url';
import { Machine } from '../src/run/machine.svelte';
import { preset } from '../src/run/presets';
import { Answering } from './support/session';

const GRID = [[1]];
const UNTESTED: ArcTask = { name: 'mirror', train: [{ input: GRID, output: GRID }], test: [] };

/** Answers every ARC test in one copy. */
class Session extends Answering {
  /** The steps that were asked for. */
  readonly steps: number[] = [];

  protected answer(command: Command): Event {
    switch (command.type) {
      case 'predict_arc': {
        this.steps.push(command.steps);
        const answers = { augmentations: 1, seen: GRID, answers: [GRID], halt: [0.5] };
        return { type: 'arc_predicted', step: 7, answers };
      }
      case 'vote':
        return { type: 'voted', candidates: [{ answer: GRID, votes: 1, halt: 0.5 }] };
      case 'read_tasks':
        return { type: 'tasks', tasks: [UNTESTED] };
      default:
        throw new Error(`${command.type} was not expected`);
    }
  }
}

function summary(): RunSummary {
  const config = preset('arc');
  if (!config) throw new Error('there is no preset arc');
  const tasks = SAMPLE.map(({ name }) => ({ name, guises: 1 }));
  const numbers = { parameters: 10, step: 7, train_tokens: 1, val_tokens: 1, chance_loss: 1 };
  const costs = { training_flops_per_token: 1, tokens_per_step: 1, trainable: true };
  return { config, family: 'puzzles', vocab: { kind: 'arc', tasks }, ...numbers, ...costs };
}

let session: Session;
let client: SessionClient;
let tasks: Tasks;
let run: Solver;

beforeEach(() => {
  vi.stubGlobal('matchMedia', () => ({ matches: true }));
  session = new Session();
  client = new SessionClient(session);
  tasks = new Tasks('mirror', 0);
  const kind = kindOf('sudoku-4x4');
  if (!kind) throw new Error('there is no such kind');
  const machine = new Machine(() => client, { device: 'cpu', software: false }, 'puzzles');
  const editor = new PuzzleEditor(kind, null);
  run = new Solver(machine, summary().config, editor, tasks, { ...DEFAULT_LOOK });
  run.begin(summary(), null, null, true);
});

async function settle(): Promise<void> {
  while (await run.respond(0));
}

test('an ARC test is answered again when the number of steps changes', async () => {
  await settle();
  const trained = run.steps;
  expect([session.steps, run.answered]).toEqual([[trained], 1]);
  run.look.steps = 3;
  run.again();
  // The answer with other steps is gone at once.
  expect(run.answered).toBe(0);
  await settle();
  expect([session.steps, run.answered]).toEqual([[trained, 3], 1]);
});

test('an ARC task without a test is not answered', async () => {
  await tasks.read(client, 'mirror.json', 'some text');
  run.turned();
  await settle();
  run.predict();
  expect([run.predictions.wanted, session.steps]).toEqual([false, []]);
});

test('a test that was opened before its model has learned is left to the visitor', async () => {
  run.begin({ ...summary(), step: 0 }, null, null, false);
  run.turned();
  expect(run.train()).toBe(true);
  await settle();
  run.state = { ...run.state, step: 1 };
  run.pause();
  await settle();
  expect(session.steps).toEqual([]);
});

test('a test that is opened while its model trains is answered once that pauses', async () => {
  run.begin({ ...summary(), val_tokens: 0 }, null, null, false);
  expect(run.train()).toBe(true);
  run.turned();
  await settle();
  expect(session.steps).toEqual([]);
  run.pause();
  await settle();
  expect(session.steps).toEqual([run.steps]);
});
