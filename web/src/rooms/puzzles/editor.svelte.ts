// The puzzle at hand: made, pasted, typed or drawn, and what the rules say of it. What
// is no puzzle does not take the place of one that is.

import { type SessionClient, SessionError } from '../../client/client';
import type { Posed, PuzzleFrom } from '../../gen';
import { type Board, empty, put } from './board';
import { EASY, type Grade, gradesOf, type Kind } from './kinds';
import { sentence } from '../../run/format';

/** How a puzzle came: one that was drawn is looked at as it grows. */
export type Arrived = 'whole' | 'drawn' | 'refused';

export class PuzzleEditor {
  kind: Kind;
  /** What is drawn, also where it is no puzzle yet. */
  board: Board;
  /** What the rules say of it; `null` as long as it is no puzzle. */
  posed = $state.raw<Posed | null>(null);
  /** Why what was given could not be taken. */
  problem = $state<string | null>(null);
  grade: Grade = $state.raw(EASY);

  /** Called when what is on the desk has changed by itself. */
  settled: () => void = () => undefined;

  #wanted: PuzzleFrom | null;
  #left = false;

  constructor(kind: Kind, board: Board | null) {
    this.kind = $state.raw(kind);
    this.board = $state.raw(board ?? empty(kind));
    this.#wanted = board ? { type: 'drawn', tokens: [...board] } : made(EASY);
  }

  /** Whether something was given that the rules have not seen. */
  get pending(): boolean {
    return this.#wanted !== null;
  }

  /** Puzzles of another kind: the one at hand makes room for one of them. */
  turn(kind: Kind): void {
    if (kind.name === this.kind.name && !this.#left) return;
    this.#left = false;
    this.kind = kind;
    this.board = empty(kind);
    this.posed = null;
    this.problem = null;
    if (!gradesOf(kind).includes(this.grade)) this.grade = EASY;
    this.make();
  }

  /** There is no board for what the model at hand solves. */
  leave(problem: string): void {
    this.#left = true;
    this.posed = null;
    this.problem = problem;
    this.#wanted = null;
  }

  make(grade = this.grade): void {
    this.grade = grade;
    this.#wanted = made(grade);
  }

  read(text: string): void {
    this.#wanted = { type: 'text', text };
  }

  put(at: number, token: number): void {
    if (this.board[at] === token) return;
    this.#draw(put(this.kind, this.board, at, token));
  }

  clear(): void {
    this.#draw(empty(this.kind));
  }

  #draw(board: Board): void {
    this.board = board;
    this.#wanted = { type: 'drawn', tokens: [...board] };
  }

  /** Asks the rules about what was given. */
  async settle(client: SessionClient): Promise<Arrived> {
    const from = this.#wanted;
    this.#wanted = null;
    if (!from) return 'refused';
    try {
      const { posed } = await client.ask({ type: 'pose', kind: this.kind.name, from }, 'posed');
      // Typed on meanwhile: the rules are asked again before anything is said.
      if (this.#wanted) return 'refused';
      this.posed = posed;
      this.board = posed.tokens;
      this.problem = null;
      this.settled();
      return from.type === 'drawn' ? 'drawn' : 'whole';
    } catch (error) {
      if (!(error instanceof SessionError) || error.failure.kind !== 'puzzle') {
        // The next worker is asked again.
        this.#wanted ??= from;
        throw error;
      }
      this.problem = sentence(error.failure.message);
      // What is drawn stays as it is, so that it can be put right.
      if (from.type === 'drawn') this.posed = null;
      return 'refused';
    }
  }
}

function made({ least, most }: Grade): PuzzleFrom {
  const seed = Math.floor(Math.random() * 2 ** 32);
  return { type: 'made', min_guesses: least, max_guesses: most, seed };
}
