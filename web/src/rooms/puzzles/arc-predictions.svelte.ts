// Answers to all augmented copies of one test, and their votes. All come from the same
// weights: training pauses meanwhile.

import { type SessionClient, SessionError } from '../../client/client';
import type { ArcAnswers, ArcCandidate, ArcTask, Failure } from '../../gen';
import { predictionsOf } from './arc';

interface TestRequest {
  readonly task: ArcTask;
  readonly test: number;
  readonly steps: number;
}

export class ArcPredictions {
  /** By augmented copy; the first is the original test. */
  answers = $state.raw<readonly ArcAnswers[]>([]);
  /** Voted answers, most votes first. */
  candidates = $state.raw<readonly ArcCandidate[]>([]);
  /** Why the test cannot be answered. */
  problem = $state.raw<Failure | null>(null);
  /** Training step of the weights. */
  step = $state(0);
  /** The selected augmented copy, from 0; `null` is the latest. */
  selected = $state<number | null>(null);

  #request = $state.raw<TestRequest | null>(null);
  #round = 0;

  /** Whether augmented copies are still to be answered. */
  get wanted(): boolean {
    return this.#request !== null;
  }

  /** Number of augmented copies; 0 until the first answer. */
  get augmentations(): number {
    return this.answers[0]?.augmentations ?? 0;
  }

  /** The shown augmented copy, from 0. */
  get at(): number {
    return Math.min(this.selected ?? Infinity, Math.max(0, this.answers.length - 1));
  }

  get shown(): ArcAnswers | null {
    return this.answers[this.at] ?? null;
  }

  begin(request: TestRequest): void {
    this.forget();
    this.#request = request;
    // The test as it is stays in view while the others are answered.
    this.selected = 0;
  }

  /** What was answered so far stays. */
  stop(): void {
    this.#request = null;
  }

  forget(): void {
    this.#round += 1;
    this.#request = null;
    this.answers = [];
    this.candidates = [];
    this.problem = null;
    this.selected = null;
  }

  /** Answers one more augmented copy, and counts the votes. */
  async next(client: SessionClient): Promise<void> {
    const [request, round] = [this.#request, this.#round];
    if (!request) return;
    try {
      const command = {
        type: 'predict_arc',
        ...request,
        augmentation: this.answers.length,
      } as const;
      const { step, answers } = await client.ask(command, 'arc_predicted');
      const all = [...this.answers, answers];
      const vote = { type: 'vote', predictions: predictionsOf(all) } as const;
      const { candidates } = await client.ask(vote, 'voted');
      // Another test was requested meanwhile; one that was only stopped keeps its answer.
      if (round !== this.#round) return;
      this.answers = all;
      this.candidates = candidates;
      this.step = step;
      if (all.length >= answers.augmentations) this.stop();
    } catch (error) {
      if (round === this.#round) this.stop();
      if (!(error instanceof SessionError) || error.failure.kind !== 'puzzle') throw error;
      if (round === this.#round) this.problem = error.failure;
    }
  }
}
