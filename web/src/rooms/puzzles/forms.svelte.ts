// Answers to several symmetric forms of one puzzle, turned back. All come from the same
// weights; they are forgotten when the weights, the puzzle or the number of steps change.

import type { SessionClient } from '../../client/client';
import { chosenOf, type PuzzleAnswer } from './solving';
import type { Board } from './board';
import type { Kind } from './kinds';

/** Forms that are asked; a maze has no more. */
export const FORMS = 8;

interface FormsRequest {
  readonly kind: Kind;
  readonly puzzle: Board;
  readonly steps: number;
  /** Tokens listed for each cell. */
  readonly top: number;
  /** Halting probability above which a form stops. */
  readonly threshold: number;
}

export class Forms {
  /** By form; the first is the puzzle itself. */
  answers = $state.raw<readonly PuzzleAnswer[]>([]);
  /** The form on the board; `null` for the answer to the puzzle alone. */
  selected = $state<number | null>(null);

  #request = $state.raw<FormsRequest | null>(null);
  #round = 0;

  /** Whether forms are still to be answered. */
  get wanted(): boolean {
    return this.#request !== null;
  }

  /** The answer of the selected form. */
  get shown(): PuzzleAnswer | null {
    return this.selected === null ? null : (this.answers[this.selected] ?? null);
  }

  begin(request: FormsRequest): void {
    this.forget();
    this.#request = request;
  }

  /** What was answered so far stays. */
  stop(): void {
    this.#request = null;
  }

  forget(): void {
    this.#round += 1;
    this.#request = null;
    this.answers = [];
    this.selected = null;
  }

  /** Answers one more form; after the last one the chosen form is selected. */
  async next(client: SessionClient): Promise<void> {
    const [request, round] = [this.#request, this.#round];
    if (!request) return;
    const { kind, puzzle, steps, top, threshold } = request;
    const question = {
      kind: kind.name,
      puzzle: [...puzzle],
      steps,
      top,
      form: this.answers.length,
    };
    try {
      const answer = await client.ask({ type: 'solve_puzzle', ...question }, 'puzzle_solved');
      // Another puzzle came meanwhile; forms that were only stopped keep this answer.
      if (round !== this.#round) return;
      const { trace, checks, step } = answer;
      this.answers = [...this.answers, { kind, puzzle, trace, checks, step }];
    } catch (error) {
      if (round === this.#round) this.stop();
      throw error;
    }
    if (this.answers.length < FORMS) return;
    this.stop();
    this.selected = chosenOf(this.answers, threshold);
  }
}
