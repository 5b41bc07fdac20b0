// Answers to several copies of one question, one
// after the other, until all are answered, they are stopped, or others are begun.

import type { SessionClient } from '../../client/client';

export abstract class Copies<Request, Answer> {
  /** By copy; the first is the question itself. */
  answers = $state.raw<readonly Answer[]>([]);

  #request = $state.raw<Request | null>(null);
  #round = 0;

  /** Whether copies are still to be answered. */
  get wanted(): boolean {
    return this.#request !== null;
  }

  begin(request: Request): void {
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
  }

  /** Answers one more copy. */
  async next(client: SessionClient): Promise<void> {
    const [request, round] = [this.#request, this.#round];
    if (!request) return;
    // Other copies may be begun meanwhile; those that were only stopped keep this answer.
    const current = (): boolean => round === this.#round;
    try {
      await this.answer(client, request, current);
    } catch (error) {
      if (current()) this.stop();
      throw error;
    }
  }

  /** Asks about copy number `answers.length`, and keeps what it hears if still `current`. */
  protected abstract answer(
    client: SessionClient,
    request: Request,
    current: () => boolean,
  ): Promise<void>;
}
