// Answers to several augmented copies of one puzzle, transformed back. All come from the same
// weights; they are forgotten when the weights, the puzzle or the number of steps change.

import type { SessionClient } from '../../client/client';
import { Copies } from './copies.svelte';
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

export class Forms extends Copies<FormsRequest, PuzzleAnswer> {
  /** The form on the board; `null` for the answer to the puzzle alone. */
  selected = $state<number | null>(null);

  /** The answer of the selected form. */
  get shown(): PuzzleAnswer | null {
    return this.selected === null ? null : (this.answers[this.selected] ?? null);
  }

  override forget(): void {
    super.forget();
    this.selected = null;
  }

  /** After the last form the chosen one is selected. */
  protected override async answer(
    client: SessionClient,
    { kind, puzzle, steps, top, threshold }: FormsRequest,
    current: () => boolean,
  ): Promise<void> {
    const question = {
      kind: kind.name,
      puzzle: [...puzzle],
      steps,
      top,
      form: this.answers.length,
    };
    const { trace, checks, step } = await client.ask(
      { type: 'solve_puzzle', ...question },
      'puzzle_solved',
    );
    if (!current()) return;
    this.answers = [...this.answers, { kind, puzzle, trace, checks, step }];
    if (this.answers.length < FORMS) return;
    this.stop();
    this.selected = chosenOf(this.answers, threshold);
  }
}
