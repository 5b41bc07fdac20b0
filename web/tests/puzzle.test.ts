import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { SessionClient } from '../src/client/client';
import type { Command, Event, Trace, TraceStep } from '../src/gen';
import {
  BLANK,
  cellsOf,
  correction,
  decode,
  empty,
  encode,
  FLOOR,
  GOAL,
  moved,
  PATH,
  put,
  START,
  typed,
  WALL,
} from '../src/rooms/puzzles/board';
import { COPIES, PuzzleCopies } from '../src/rooms/puzzles/puzzle-copies.svelte';
import { gradeOf, GRADES, type Kind, kindOf } from '../src/rooms/puzzles/kinds';
import {
  alternatives,
  cellsAt,
  changesAt,
  chosenOf,
  type PuzzleAnswer,
  halts,
  stopAt,
  stopped,
} from '../src/rooms/puzzles/solving';
import { DEFAULT_LOOK, readPuzzle, writePuzzle } from '../src/rooms/puzzles/url';
import { copiesResult, stopping } from '../src/rooms/puzzles/words';
import { preset } from '../src/run/presets';
import { Answering } from './support/session';

function known(name: string): Kind {
  const kind = kindOf(name);
  if (!kind) throw new Error(`${name} is no kind`);
  return kind;
}

const FOUR = known('sudoku-4x4');
const NINE = known('sudoku-9x9');
const MAZE = known('maze-10x10');

test('kinds are known by name', () => {
  expect(known('sudoku-6x6')).toMatchObject({ side: 6, box: { rows: 2, cols: 3 } });
  expect(MAZE).toMatchObject({ family: 'maze', side: 10, title: 'Maze 10×10' });
  for (const name of ['sudoku-5x5', 'sudoku-9x8', 'maze-1x1', 'shakespeare', '']) {
    expect(kindOf(name), name).toBeNull();
  }
});

test('every number of guesses has one grade', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1 << 20 }), (guesses) => {
      const fitting = GRADES.filter(
        ({ minGuesses, maxGuesses }) => guesses >= minGuesses && guesses <= maxGuesses,
      );
      expect(fitting).toEqual([gradeOf(guesses)]);
    }),
  );
});

describe('a board', () => {
  test('takes digits of its size, and lets go of them', () => {
    expect(typed(FOUR, '4')).toBe(5);
    expect(typed(FOUR, '5')).toBeNull();
    expect(typed(NINE, '9')).toBe(10);
    for (const key of ['Backspace', 'Delete', '0', ' ']) expect(typed(NINE, key)).toBe(BLANK);
    for (const key of ['a', 'Enter', '10', 'ArrowUp']) expect(typed(NINE, key)).toBeNull();
  });

  test('of a maze has one start and one goal', () => {
    const keys = ['#', 'S', 'g', 'Backspace', 'x'].map((key) => typed(MAZE, key));
    expect(keys).toEqual([WALL, START, GOAL, FLOOR, null]);
    const once = put(MAZE, empty(MAZE), 3, START);
    const twice = put(MAZE, once, 7, START);
    expect([twice[3], twice[7]]).toEqual([FLOOR, START]);
    expect(put(MAZE, twice, 8, WALL).filter((token) => token === START)).toHaveLength(1);
    // Of a digit there may be many.
    expect(put(FOUR, put(FOUR, empty(FOUR), 0, 2), 1, 2).slice(0, 2)).toEqual([2, 2]);
  });

  test('tells a path that is missing from one that is too much', () => {
    expect([PATH, FLOOR].map((token) => correction(MAZE, token))).toEqual(['+', '×']);
    expect(correction(FOUR, 4)).toBe('3');
  });

  test('is walked over with the arrow keys, and not left', () => {
    expect(moved(FOUR, 5, 'ArrowUp')).toBe(1);
    expect(moved(FOUR, 1, 'ArrowUp')).toBe(1);
    expect(moved(FOUR, 4, 'ArrowLeft')).toBe(4);
    expect(moved(FOUR, 5, 'End')).toBe(7);
    expect(moved(FOUR, 5, 'Enter')).toBeNull();
  });

  test('is read back from an address', () => {
    for (const kind of [FOUR, NINE, MAZE]) {
      const most = kind.family === 'sudoku' ? kind.side + 1 : GOAL;
      const token = fc.integer({ min: 1, max: most });
      const length = cellsOf(kind);
      fc.assert(
        fc.property(fc.array(token, { minLength: length, maxLength: length }), (board) => {
          const text = encode(kind, board);
          expect(encodeURIComponent(text)).toBe(text);
          expect(decode(kind, text)).toEqual(board);
        }),
      );
    }
    for (const text of ['', '.'.repeat(15), `5${'.'.repeat(15)}`, `x${'.'.repeat(15)}`]) {
      expect(decode(FOUR, text), text).toBeNull();
    }
  });
});

/** Answers to the puzzle whose first cell is given, as `[tokens, halting]` by step. */
function examined(kind: Kind, puzzle: number[], steps: [number[], number][]): PuzzleAnswer {
  const step = ([argmax, halt]: [number[], number], i: number): TraceStep => ({
    step: i + 1,
    argmax: [argmax],
    prob: [argmax.map(() => 0.75)],
    entropy: [argmax.map(() => 0.5)],
    top: [
      argmax.map((token) => [
        { token, prob: 0.75 },
        { token: 2, prob: 0.2 },
      ]),
    ],
    halt: [halt],
    state_rms: 1,
    state_change: 1,
  });
  const trace: Trace = {
    variant: 'trm',
    depth: steps.length,
    tokens: [puzzle],
    steps: steps.map(step),
  };
  const checks = steps.map((_, i) =>
    i === 0
      ? { solved: false, broken: [{ rule: '3 stands more than once in row 1', cells: [1, 2] }] }
      : { solved: true, broken: [] },
  );
  return { kind, puzzle, trace, checks, step: 100 };
}

describe('an answer', () => {
  const puzzle = [2, ...new Array<number>(15).fill(BLANK)];
  const first = [5, 4, 4, ...new Array<number>(13).fill(3)];
  const second = [5, 4, 5, ...new Array<number>(13).fill(3)];
  const answer = examined(FOUR, puzzle, [
    [first, 0.2],
    [second, 0.6],
    [second, 0.9],
  ]);

  test('leaves what is given, and tells what changed, broke a rule or is wrong', () => {
    const [given, kept, other] = cellsAt(answer, 1, second);
    expect(given).toMatchObject({ token: 2, given: true, changed: false, wrong: false });
    expect(kept).toMatchObject({ token: 4, sure: 0.75, changed: false, broken: true });
    expect(other).toMatchObject({ token: 4, broken: true, wrong: true });
    expect(cellsAt(answer, 2, null)[2]).toMatchObject({ token: 5, changed: true, wrong: false });
    expect([1, 2, 3].map((step) => changesAt(answer, step))).toEqual([0, 1, 0]);
  });

  test('stops at the first step that is sure enough, or at the last', () => {
    expect(halts(answer)).toEqual([0.2, 0.6, 0.9]);
    const stops = [0, 0.2, 0.5, 0.6, 0.95].map((threshold) => stopAt(halts(answer), threshold));
    expect(stops).toEqual([1, 2, 2, 3, 3]);
    expect(stopAt([], 0.5)).toBe(1);
  });

  test('has alternatives, with how far each moved', () => {
    expect(alternatives(answer, 1, 2, 5).map(({ change }) => change)).toEqual([null, null]);
    expect(alternatives(answer, 2, 2, 5)).toEqual([
      { token: 5, prob: 0.75, change: null },
      { token: 2, prob: 0.2, change: 0 },
    ]);
    expect(alternatives(answer, 2, 2, 1)).toHaveLength(1);
  });

  test('of a maze is as sure as the path is likely, also where there is none', () => {
    const open = empty(MAZE);
    const path = open.map((_, i) => (i < 10 ? PATH : FLOOR));
    const cells = cellsAt(examined(MAZE, open, [[path, 0.5]]), 1, null);
    expect([cells[0]?.sure, cells[99]?.sure]).toEqual([0.75, 0]);
  });
});

describe('the address of the Puzzles page', () => {
  const look = fc.record({
    steps: fc.option(fc.integer({ min: 1, max: 32 })),
    threshold: fc.double({ min: 0, max: 1, noNaN: true }).map(Math.abs),
  });

  test('gives back the puzzle, the run and how it is looked at', () => {
    for (const kind of [FOUR, NINE, MAZE]) {
      const config = preset(kind.name);
      expect(config).not.toBeNull();
      if (!config) continue;
      const token = fc.integer({ min: 1, max: 4 });
      const length = cellsOf(kind);
      fc.assert(
        fc.property(
          fc.array(token, { minLength: length, maxLength: length }),
          look,
          fc.integer({ min: 1, max: 2 ** 24 }),
          fc.constantFrom('auto', 'cpu', 'gpu'),
          (puzzle, look, max_iters, device) => {
            const changed = { ...config, train: { ...config.train, max_iters } };
            const page = { preset: kind.name, config: changed, origin: null };
            const written = writePuzzle({ ...page, kind, puzzle, look, device, software: false });
            const back = readPuzzle(written);
            expect(back).toMatchObject({ kind, puzzle, look, device, problems: [] });
            expect(back.config).toEqual(changed);
          },
        ),
      );
    }
  });

  test('an empty one asks for nothing; a kind alone does not name a run', () => {
    expect(readPuzzle('')).toMatchObject({ explicit: false, named: false, look: DEFAULT_LOOK });
    expect(readPuzzle('?kind=maze-10x10')).toMatchObject({
      kind: MAZE,
      explicit: true,
      named: false,
      preset: 'maze-10x10',
    });
    expect(readPuzzle('?preset=sudoku-9x9').kind).toEqual(NINE);
  });

  test('says what of it cannot be used', () => {
    const page = readPuzzle('?kind=sudoku-4x4&puzzle=12&steps=1025&threshold=high&prompt=a');
    expect(page.problems).toEqual([
      'There is no setting “prompt”.',
      'The puzzle in the address does not fit “Sudoku 4×4”.',
      '“1025” is not a valid value for steps.',
      '“high” is not a valid value for threshold.',
    ]);
    expect(readPuzzle('?kind=chess').problems).toEqual(['There is no kind of puzzle “chess”.']);
    expect(page).toMatchObject({ puzzle: null, look: DEFAULT_LOOK, kind: FOUR });
  });
});

describe('augmented copies', () => {
  const puzzle = [2, ...new Array<number>(15).fill(BLANK)];
  const board = [2, 4, 5, ...new Array<number>(13).fill(3)];
  /** An answer that halts so surely after its last step. */
  const ending = (halt: number) =>
    examined(FOUR, puzzle, [
      [board, 0.1],
      [board, halt],
    ]);
  const request = { kind: FOUR, puzzle, steps: 2, top: 3, threshold: 0.5 };

  /** Answers copies that halt with these probabilities, and fails at the others. */
  class Halting extends Answering {
    readonly asked: number[] = [];

    constructor(readonly halting: readonly number[]) {
      super();
    }

    protected answer(command: Command): Event {
      if (command.type !== 'solve_puzzle') throw new Error(`${command.type} was not expected`);
      this.asked.push(command.copy);
      const halt = this.halting[command.copy];
      if (halt === undefined) {
        const failure = { kind: 'puzzle' as const, message: 'no such copy', hint: 'Ask less.' };
        return { type: 'failed', failure };
      }
      const { trace, checks } = ending(halt);
      return { type: 'puzzle_solved', step: 7, trace, checks: [...checks] };
    }
  }

  test('are chosen by the halting probability where they stop, the first of equals', () => {
    const answers = [0.6, 0.9, 0.3, 0.9].map(ending);
    expect(chosenOf(answers, 0.5)).toBe(1);
    // Below the threshold all stop at the first step, as sure as each other.
    expect(chosenOf(answers, 0.05)).toBe(0);
    expect(chosenOf([], 0.5)).toBeNull();
    expect(stopped(ending(0.9), 0.5)).toEqual({ step: 2, halt: 0.9, solved: true });
    expect(stopped(ending(0.9), 0.05)).toEqual({ step: 1, halt: 0.1, solved: false });
  });

  test('are asked one by one, and the chosen one is put on the board', async () => {
    const copies = new PuzzleCopies();
    const session = new Halting([0.6, 0.7, 0.8, 0.95, 0.2, 0.1, 0.9, 0.3]);
    const client = new SessionClient(session);
    copies.begin(request);
    while (copies.wanted) await copies.next(client);
    expect(session.asked).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect([copies.answers.length, copies.selected]).toEqual([COPIES, 3]);
    expect(copies.shown && halts(copies.shown)).toEqual([0.1, 0.95]);
    copies.selected = null;
    expect(copies.shown).toBeNull();
  });

  test('of another puzzle or of other weights are dropped', async () => {
    const copies = new PuzzleCopies();
    const client = new SessionClient(new Halting([0.5, 0.5]));
    copies.begin(request);
    const late = copies.next(client);
    copies.forget();
    await late;
    expect([copies.wanted, copies.answers.length]).toEqual([false, 0]);
    copies.begin(request);
    await copies.next(client);
    const going = copies.next(client);
    copies.stop();
    await going;
    expect([copies.wanted, copies.answers.length, copies.selected]).toEqual([false, 2, null]);
  });

  test('that cannot be answered end the request', async () => {
    const copies = new PuzzleCopies();
    const client = new SessionClient(new Halting([]));
    copies.begin(request);
    await expect(copies.next(client)).rejects.toThrow('no such copy');
    expect(copies.wanted).toBe(false);
  });

  test('are summed up in a sentence', () => {
    const ends = [
      { halt: 0.2, solved: false },
      { halt: 0.97, solved: true },
    ];
    expect(copiesResult(ends, 1, 32)).toBe(
      'Copy 2 is chosen: its halting probability is the highest, 97 %; its answer is right. ' +
        '1 of 2 copies are solved, in 32 supervision steps.',
    );
    expect(copiesResult(ends, 1, 1)).toContain('in 1 supervision step.');
    expect(stopping(ending(0.2), 2, false)).toContain('; all 2 steps run; ');
    const single = examined(FOUR, puzzle, [[board, 0.2]]);
    expect(stopping(single, 1, false)).toContain('; its only step runs; ');
  });
});
