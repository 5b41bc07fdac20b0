// Answers to several augmented copies of one puzzle, transformed back. All come from the same
// weights; they are forgotten when the weights, the puzzle or the number of steps change.

import type { SessionClient } from '../../client/client';
import { Copies } from './copies.svelte';
import { chosenOf, type PuzzleAnswer } from './solving';
import type { Board } from './board';
import type { Kind } from './kinds';

/** Copies that are asked; a maze has no more. */
export const COPIES = 8;

interface CopiesRequest {
  readonly kind: Kind;
  readonly puzzle: Board;
  readonly steps: number;
  /** Tokens listed for each cell. */
  readonly top: number;
  /** Halting probability above which a copy stops. */
  readonly threshold: number;
}

export class PuzzleCopies extends Copies<CopiesRequest, PuzzleAnswer> {
  /** The copy whose answer is on the board; `null` for the answer to the puzzle alone. */
  selected = $state<number | null>(null);

  /** The answer to the selected copy. */
  get shown(): PuzzleAnswer | null {
    return this.selected === null ? null : (this.answers[this.selected] ?? null);
  }

  override forget(): void {
    super.forget();
    this.selected = null;
  }

  /** After the last copy the chosen one is selected. */
  protected override async answer(
    client: SessionClient,
    { kind, puzzle, steps, top, threshold }: CopiesRequest,
    current: () => boolean,
  ): Promise<void> {
    const question = {
      kind: kind.name,
      puzzle: [...puzzle],
      steps,
      top,
      copy: this.answers.length,
    };
    const { trace, checks, step } = await client.ask(
      { type: 'solve_puzzle', ...question },
      'puzzle_solved',
    );
    if (!current()) return;
    this.answers = [...this.answers, { kind, puzzle, trace, checks, step }];
    if (this.answers.length < COPIES) return;
    this.stop();
    this.selected = chosenOf(this.answers, threshold);
  }
}
