// The puzzle on the board: generated, pasted, typed or drawn, and its validity. Invalid
// input does not replace a valid puzzle.

import { type SessionClient, SessionError } from '../../client/client';
import type { PuzzleInfo, PuzzleInput } from '../../gen';
import { type Board, empty, put } from './board';
import { EASY, firstGrade, type Grade, gradesOf, type Kind } from './kinds';
import { sentence } from '../../run/format';
import { alike } from './solving';

/** The origin of a puzzle; a drawn one is checked after every change. */
export type Arrived = 'whole' | 'drawn' | 'refused';

/** Changes that can be undone. */
const MOST_UNDONE = 200;

export class PuzzleEditor {
  kind: Kind;
  /** The cells of the board, also while they are not a valid puzzle. */
  board: Board;
  /** Validity and solution of the puzzle; `null` while it is not a valid puzzle. */
  posed = $state.raw<PuzzleInfo | null>(null);
  /** Why the input was rejected. */
  problem = $state<string | null>(null);
  grade: Grade = $state.raw(EASY);
  /** Whether the visitor chose the grade. */
  #graded = false;

  /** Called when the board changed without a change by the visitor. */
  settled: () => void = () => undefined;

  #wanted = $state.raw<PuzzleInput | null>(null);
  /** Told whether the text that was read last became the board. */
  #told: (whole: boolean) => void = () => undefined;
  #left = false;
  /** The boards before each change, for Undo; `null` until the first puzzle is on the board. */
  #earlier = $state.raw<readonly Board[] | null>(null);
  /** Whether a stroke is being drawn, and whether the board before it is remembered. */
  #stroke: 'begun' | 'remembered' | null = null;

  constructor(kind: Kind, board: Board | null) {
    this.kind = $state.raw(kind);
    this.board = $state.raw(board ?? empty(kind));
    this.grade = firstGrade(kind);
    this.#earlier = board && [];
    this.#wanted = board ? { type: 'drawn', tokens: [...board] } : made(this.grade);
  }

  /** Whether the input still has to be checked. */
  get pending(): boolean {
    return this.#wanted !== null;
  }

  get undoable(): boolean {
    return this.#earlier !== null && this.#earlier.length > 0;
  }

  /** Changes the kind and generates a puzzle of it. */
  turn(kind: Kind): void {
    if (kind.name === this.kind.name && !this.#left) return;
    this.#left = false;
    this.kind = kind;
    this.board = empty(kind);
    this.#earlier = null;
    this.posed = null;
    this.problem = null;
    const known = gradesOf(kind).some(({ name }) => name === this.grade.name);
    if (!known || !this.#graded) this.grade = firstGrade(kind);
    this.make();
  }

  /** The current model solves a kind without a board. */
  leave(problem: string): void {
    this.#left = true;
    this.posed = null;
    this.problem = problem;
    this.#want(null);
  }

  make(grade?: Grade): void {
    if (grade) [this.grade, this.#graded] = [grade, true];
    this.#want(made(this.grade));
  }

  /** Reads a puzzle; gives whether it is on the board, once it has been checked. */
  read(text: string): Promise<boolean> {
    this.#want({ type: 'text', text });
    return new Promise((resolve) => (this.#told = resolve));
  }

  put(at: number, token: number): void {
    if (this.board[at] === token) return;
    this.#draw(put(this.kind, this.board, at, token));
  }

  clear(): void {
    this.#draw(empty(this.kind));
  }

  /** All changes from here to `end` are undone together. */
  begin(): void {
    this.#stroke = 'begun';
  }

  end(): void {
    this.#stroke = null;
  }

  /** Brings back the board before the last change. */
  undo(): void {
    const earlier = this.#earlier ?? [];
    const board = earlier.at(-1);
    if (!board) return;
    this.#draw(board);
    this.#earlier = earlier.slice(0, -1);
  }

  #draw(board: Board): void {
    this.#replace(board);
    this.#want({ type: 'drawn', tokens: [...board] });
  }

  #replace(board: Board): void {
    const { board: before } = this;
    if (!alike(board, before)) this.#remember(before);
    this.board = board;
  }

  #remember(before: Board): void {
    if (this.#stroke === 'remembered') return;
    if (this.#stroke) this.#stroke = 'remembered';
    this.#earlier = this.#earlier ? [...this.#earlier, before].slice(-MOST_UNDONE) : [];
  }

  /** Another input takes the place of a text that is still to be checked. */
  #want(input: PuzzleInput | null): void {
    this.#told(false);
    this.#wanted = input;
  }

  /** Checks the input in the worker. */
  async settle(client: SessionClient): Promise<Arrived> {
    const from = this.#wanted;
    this.#wanted = null;
    if (!from) return 'refused';
    try {
      const command = { type: 'check_puzzle', kind: this.kind.name, input: from } as const;
      const { puzzle: posed } = await client.ask(command, 'puzzle_checked');
      // The board changed meanwhile: check again before showing anything.
      if (this.#wanted) return 'refused';
      this.posed = posed;
      this.#replace(posed.tokens);
      this.problem = null;
      this.settled();
      this.#told(true);
      return from.type === 'drawn' ? 'drawn' : 'whole';
    } catch (error) {
      if (!(error instanceof SessionError) || error.failure.kind !== 'puzzle') {
        // The check is repeated in the next worker.
        this.#wanted ??= from;
        throw error;
      }
      this.problem = sentence(error.failure.message);
      // The drawn board stays, so that it can be corrected.
      if (from.type === 'drawn') this.posed = null;
      this.#told(false);
      return 'refused';
    }
  }
}

function made({ minGuesses, maxGuesses }: Grade): PuzzleInput {
  const seed = Math.floor(Math.random() * 2 ** 32);
  return { type: 'made', min_guesses: minGuesses, max_guesses: maxGuesses, seed };
}
