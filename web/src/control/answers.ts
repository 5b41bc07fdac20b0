// The same question at two depths, with the same luck.

import type { SessionClient } from '../client/client';
import type { Question } from '../state/url';
import { Answer } from './answer.svelte';

/** Milliseconds between two refreshed texts while the model learns. */
const EVERY = 4_000;

export class Answers {
  readonly pair: readonly [Answer, Answer] = [new Answer(), new Answer()];

  #next = 0;

  /** The run is another one. */
  forget(): void {
    this.#next = 0;
    for (const answer of this.pair) answer.forget();
  }

  /** The question changed: both begin again. */
  renew(): void {
    this.#next = 0;
    for (const answer of this.pair) answer.stale = true;
  }

  /** The weights changed: texts begin again, but not at every step. */
  age(now: number): void {
    if (now < this.#next) return;
    for (const answer of this.pair) answer.stale = true;
    this.#next = now + EVERY;
  }

  /** Writes on. `idle` when there was nothing to do, `written` when a text is whole. */
  async advance(
    client: SessionClient,
    question: Question,
    step: number,
    now: number,
  ): Promise<'idle' | 'writing' | 'written'> {
    const depths = [question.depthA, question.depthB];
    for (const [i, answer] of this.pair.entries()) {
      const depth = depths[i] ?? 1;
      if (!(await answer.advance(client, { ...question, depth }, step))) continue;
      if (answer.writing) return 'writing';
      this.#next = now + EVERY;
      return 'written';
    }
    return 'idle';
  }
}
