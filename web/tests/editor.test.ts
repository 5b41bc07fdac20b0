import { beforeEach, describe, expect, test } from 'vitest';

import { SessionClient } from '../src/client/client';
import { PuzzleEditor } from '../src/rooms/puzzles/editor.svelte';
import { PuzzleDatasets } from '../src/rooms/puzzles/datasets';
import { WorkerRun } from '../src/run/worker-run';
import { type Command, type Event, type RunSummary } from '../src/gen';
import { preset } from '../src/run/presets';
import { empty } from '../src/rooms/puzzles/board';
import { EASY, GRADES, type Kind, kindFor, kindOf } from '../src/rooms/puzzles/kinds';
import { Answering } from './support/session';

function known(name: string): Kind {
  const kind = kindOf(name);
  if (!kind) throw new Error(`${name} is no kind`);
  return kind;
}

const FOUR = known('sudoku-4x4');

function summary(name = 'sudoku-4x4', trainable = true): RunSummary {
  const config = preset(name);
  if (!config) throw new Error(`there is no preset ${name}`);
  const vocab = { kind: 'plain', size: name === 'sudoku-4x4' ? 6 : 11 } as const;
  const numbers = { parameters: 10, step: 7, train_tokens: 1, val_tokens: 1 };
  const costs = { chance_loss: 1, training_flops_per_token: 1, tokens_per_step: 1 };
  return { config, family: 'puzzles', vocab, ...numbers, trainable, ...costs };
}

/** Knows which puzzles there are, and has no opinion on them. */
class Rules extends Answering {
  readonly asked: Command[] = [];
  refuse = false;

  protected answer(command: Command): Event {
    this.asked.push(command);
    switch (command.type) {
      case 'check_puzzle': {
        if (this.refuse) {
          const failure = { kind: 'puzzle', message: 'too short', hint: 'Give more.' } as const;
          return { type: 'failed', failure };
        }
        const { kind, input } = command;
        const tokens = input.type === 'drawn' ? input.tokens : new Array<number>(16).fill(2);
        const checked = { solutions: 'one', solution: null, guesses: 0, broken: [] } as const;
        return {
          type: 'puzzle_checked',
          puzzle: { kind, rows: 4, cols: 4, tokens, text: '', ...checked, broken: [] },
        };
      }
      case 'load':
        return { type: 'ready', summary: summary('sudoku-4x4', command.data !== null) };
      case 'attach':
      case 'create':
        return { type: 'ready', summary: summary() };
      case 'save': {
        const [checkpoint, optimizer] = [new Uint8Array([1]), new Uint8Array([2])];
        return { type: 'saved', saved: { checkpoint, optimizer, step: 7 } };
      }
      default:
        throw new Error(`${command.type} was not expected`);
    }
  }
}

let rules: Rules;
let client: SessionClient;

beforeEach(() => {
  rules = new Rules();
  client = new SessionClient(rules);
});

describe('the editor', () => {
  test('begins with an easy puzzle, or with the one that is given', async () => {
    const editor = new PuzzleEditor(FOUR, null);
    expect(await editor.settle(client)).toBe('whole');
    expect(rules.asked[0]).toMatchObject({ type: 'check_puzzle', kind: 'sudoku-4x4' });
    expect(rules.asked[0]).toMatchObject({
      input: { type: 'made', min_guesses: 0, max_guesses: 0 },
    });
    const given = new PuzzleEditor(FOUR, empty(FOUR));
    expect(await given.settle(client)).toBe('drawn');
    expect(given.board).toEqual(empty(FOUR));
  });

  test('keeps its puzzle when another one is refused, and says why', async () => {
    const editor = new PuzzleEditor(FOUR, null);
    await editor.settle(client);
    const { posed } = editor;
    rules.refuse = true;
    const whole = editor.read('12');
    expect(await editor.settle(client)).toBe('refused');
    expect(await whole).toBe(false);
    expect(editor.posed).toBe(posed);
    expect(editor.problem).toBe('Too short.');
    expect(editor.pending).toBe(false);
  });

  test('says that a text was read when it has been checked, and no sooner', async () => {
    const editor = new PuzzleEditor(FOUR, null);
    await editor.settle(client);
    let known: boolean | null = null;
    const whole = editor.read('1'.repeat(16)).then((read) => (known = read));
    const settling = editor.settle(client);
    expect([editor.pending, known]).toEqual([false, null]);
    await settling;
    expect(await whole).toBe(true);
  });

  test('does not say it of a text that another input replaces', async () => {
    const editor = new PuzzleEditor(FOUR, null);
    const waiting = editor.read('12');
    const checked = editor.read('34');
    expect(await waiting).toBe(false);
    const settling = editor.settle(client);
    editor.put(0, 3);
    await settling;
    expect(await checked).toBe(false);
    await editor.settle(client);
    expect(editor.board[0]).toBe(3);
  });

  test('keeps what is drawn until it is a puzzle', async () => {
    const editor = new PuzzleEditor(FOUR, empty(FOUR));
    rules.refuse = true;
    editor.put(3, 5);
    await editor.settle(client);
    expect(editor.posed).toBeNull();
    expect(editor.board[3]).toBe(5);
    rules.refuse = false;
    editor.put(2, 4);
    expect(await editor.settle(client)).toBe('drawn');
    expect([editor.board[2], editor.board[3], editor.problem]).toEqual([4, 5, null]);
  });

  test('does not let an older puzzle overtake what was typed since', async () => {
    const editor = new PuzzleEditor(FOUR, empty(FOUR));
    const settling = editor.settle(client);
    editor.put(0, 3);
    expect(await settling).toBe('refused');
    expect(editor.pending).toBe(true);
    await editor.settle(client);
    expect(editor.board[0]).toBe(3);
  });

  test('asks again after a worker was lost', async () => {
    const editor = new PuzzleEditor(FOUR, null);
    client.terminate();
    await expect(editor.settle(client)).rejects.toThrow();
    expect(editor.pending).toBe(true);
  });

  test('takes back what was typed, cleared, read and generated, the last change first', async () => {
    const editor = new PuzzleEditor(FOUR, null);
    expect(editor.undoable).toBe(false);
    await editor.settle(client);
    // The empty board before the first puzzle was no board of the visitor's.
    expect(editor.undoable).toBe(false);
    const boards = [editor.board];
    const changes = [
      () => editor.put(0, 3),
      () => editor.put(1, 4),
      () => editor.make(),
      () => editor.put(5, 4),
      () => editor.read('…'),
    ];
    for (const change of changes) {
      void change();
      await editor.settle(client);
      boards.push(editor.board);
    }
    expect(editor.board).not.toEqual(boards.at(-2));
    for (const board of boards.slice(0, -1).toReversed()) {
      expect(editor.undoable).toBe(true);
      editor.undo();
      expect(editor.board).toEqual(board);
      expect(await editor.settle(client)).toBe('drawn');
      expect(editor.posed?.tokens).toEqual(board);
    }
    expect(editor.undoable).toBe(false);
    editor.undo();
    expect(editor.pending).toBe(false);
  });

  test('takes back a board that is no puzzle, and no change of nothing', async () => {
    const given = empty(FOUR).fill(3, 0, 1);
    const editor = new PuzzleEditor(FOUR, given);
    await editor.settle(client);
    rules.refuse = true;
    editor.clear();
    await editor.settle(client);
    editor.clear();
    await editor.settle(client);
    rules.refuse = false;
    editor.undo();
    await editor.settle(client);
    expect([editor.board, editor.undoable, editor.problem]).toEqual([given, false, null]);
  });

  test('takes back a stroke as a whole, and only as long as it is drawn', () => {
    const given = empty(FOUR);
    const editor = new PuzzleEditor(FOUR, given);
    editor.begin();
    // The first cell is so already.
    editor.put(0, given[0] ?? 0);
    editor.put(1, 3);
    editor.put(2, 3);
    editor.end();
    const drawn = editor.board;
    editor.put(3, 3);
    editor.undo();
    expect(editor.board).toEqual(drawn);
    editor.undo();
    expect([editor.board, editor.undoable]).toEqual([given, false]);
  });

  test('has no board of another kind to go back to', async () => {
    const editor = new PuzzleEditor(known('sudoku-9x9'), null);
    editor.put(0, 3);
    editor.put(0, 4);
    expect(editor.undoable).toBe(true);
    editor.turn(FOUR);
    expect(editor.undoable).toBe(false);
    await editor.settle(client);
    expect(editor.undoable).toBe(false);
  });

  test('makes room for another kind, and for a grade that it has', () => {
    const editor = new PuzzleEditor(known('sudoku-9x9'), null);
    editor.make(GRADES[3]);
    editor.turn(FOUR);
    expect([editor.kind, editor.grade, editor.board.length]).toEqual([FOUR, EASY, 16]);
    expect(editor.pending).toBe(true);
  });
});

test('a model is known by what it learned, or by its cells and tokens', () => {
  expect(kindFor(summary())?.name).toBe('sudoku-4x4');
  const { config, ...rest } = summary('sudoku-9x9');
  const data = { ...config.data, dataset: 'a folder' };
  expect(kindFor({ ...rest, config: { ...config, data } })?.name).toBe('sudoku-9x9');
  const arc = { kind: 'plain', size: 12 } as const;
  expect(kindFor({ config: { ...config, data }, vocab: arc })).toBeNull();
});

describe('what a solver learns from', () => {
  test('is made when it is to learn, not when it is opened', async () => {
    const workerRun = new WorkerRun('puzzles', new PuzzleDatasets());
    const [file, moments] = [new Uint8Array([8]), new Uint8Array([9])];
    expect((await workerRun.load(client, file, moments, null)).trainable).toBe(false);
    expect(rules.asked.at(-1)).toMatchObject({
      type: 'load',
      checkpoint: file,
      optimizer: moments,
      data: null,
    });
    expect(workerRun.attachable).toBe(true);
    expect((await workerRun.attach(client))?.trainable).toBe(true);
    expect(rules.asked.at(-1)).toEqual({ type: 'attach', data: { kind: 'named' } });
    expect(await workerRun.attach(client)).toBeNull();
    expect((await workerRun.save(client)).optimizer).toEqual(new Uint8Array([2]));
  });

  test('is not made for a model of another family', async () => {
    const config = preset('tiny');
    if (!config) throw new Error('there is no preset tiny');
    const refused = new WorkerRun('puzzles', new PuzzleDatasets()).create(client, config, null);
    await expect(refused).rejects.toMatchObject({ failure: { kind: 'family' } });
    expect(rules.asked).toEqual([]);
  });
});
