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

  /** The question changed: both begin again, so that both are of the same weights. */
  renew(question: Question): void {
    this.#next = 0;
    for (const [answer, depth] of this.#asked(question)) answer.renew({ ...question, depth });
  }

  /** Whether a visitor waits for a first word. */
  get urgent(): boolean {
    return this.pair.some((answer) => answer.urgent);
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
    const asked = this.#asked(question);
    // A text that someone waits for goes before one that is only refreshed.
    asked.sort(([a], [b]) => Number(b.urgent) - Number(a.urgent));
    for (const [answer, depth] of asked) {
      if (!(await answer.advance(client, { ...question, depth }, step))) continue;
      if (answer.writing) return 'writing';
      this.#next = now + EVERY;
      return 'written';
    }
    return 'idle';
  }

  #asked({ depthA, depthB }: Question): [Answer, number][] {
    return [
      [this.pair[0], depthA],
      [this.pair[1], depthB],
    ];
  }
}
