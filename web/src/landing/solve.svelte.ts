// A hard Sudoku, solved from its given digits, one supervision step after another.

import type { SessionClient } from '../client/client';
import { decode } from '../rooms/puzzles/board';
import { kindOf, SPARSE, type SudokuKind } from '../rooms/puzzles/kinds';
import { type Cell, cellsAt, type PuzzleAnswer } from '../rooms/puzzles/solving';
import { openModel, reason, sleep } from './engine';

const MODEL = 'sudoku-9x9';
/** More than it needs. */
const STEPS = 14;
/** Steps that are shown after the first that is right. */
const AFTER = 2;
/** Milliseconds on each step, and before the first. */
const BEAT = 800;
const START = 500;

export class SolveExhibit {
  /** The supervision step that is shown; 0 is the puzzle alone. */
  step = $state(0);
  playing = $state(false);
  paused = $state(false);
  /** Share of the model's file that has come. */
  received = $state(0);
  problem = $state<string | null>(null);
  answer = $state.raw<PuzzleAnswer | null>(null);

  readonly kind: SudokuKind;
  readonly #still = matchMedia('(prefers-reduced-motion: reduce)');
  #turn = 0;

  constructor() {
    const kind = kindOf(MODEL);
    if (kind?.family !== 'sudoku') throw new Error('the page was built without its Sudoku');
    this.kind = kind;
  }

  /** Steps that are shown: two more than it takes. */
  get steps(): number {
    if (!this.answer) return STEPS;
    const first = this.answer.checks.findIndex(({ solved }) => solved);
    return first < 0 ? this.answer.checks.length : Math.min(STEPS, first + 1 + AFTER);
  }

  get puzzle(): readonly number[] {
    return decode(this.kind, SPARSE) ?? [];
  }

  /** What the model answers in each cell; `null` before the first step. */
  get cells(): readonly Cell[] | null {
    return this.answer && this.step > 0 ? cellsAt(this.answer, this.step, null) : null;
  }

  get solved(): boolean {
    return this.answer?.checks[this.step - 1]?.solved ?? false;
  }

  /** The first step whose answer is right; `null` where none is. */
  get solvedAt(): number | null {
    const first = this.answer?.checks.findIndex(({ solved }) => solved) ?? -1;
    return first < 0 ? null : first + 1;
  }

  async live(spawn: () => SessionClient): Promise<void> {
    try {
      const { client } = await openModel(
        spawn,
        'puzzles',
        MODEL,
        (share) => (this.received = share),
      );
      const puzzle = [...this.puzzle];
      const asked = { kind: MODEL, puzzle, steps: STEPS, top: 1, copy: 0 };
      const command = { type: 'solve_puzzle', ...asked } as const;
      // All that it is needed for.
      const { trace, checks, step } = await client
        .ask(command, 'puzzle_solved')
        .finally(() => client.terminate());
      this.answer = { kind: this.kind, puzzle, trace, checks, step };
      await this.play();
    } catch (error) {
      this.problem = reason(error);
    }
  }

  /** Shows the steps from the first on. */
  async play(): Promise<void> {
    const turn = ++this.#turn;
    const last = this.steps;
    if (this.#still.matches) {
      this.step = last;
      return;
    }
    this.playing = true;
    this.paused = false;
    this.step = 0;
    await sleep(START);
    while (this.#turn === turn && this.step < last) {
      if (!this.paused) this.step += 1;
      if (this.step < last) await sleep(BEAT);
    }
    if (this.#turn === turn) this.playing = false;
  }
}
