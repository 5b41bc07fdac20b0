// Answers to all augmented copies of one test, and their votes. All come from the same
// weights: training pauses meanwhile.

import { type SessionClient, SessionError } from '../../client/client';
import type { ArcAnswers, ArcCandidate, ArcTask, Failure } from '../../gen';
import { predictionsOf } from './arc';
import { Copies } from './copies.svelte';

interface TestRequest {
  readonly task: ArcTask;
  readonly test: number;
  readonly steps: number;
}

export class ArcPredictions extends Copies<TestRequest, ArcAnswers> {
  /** Voted answers, most votes first. */
  candidates = $state.raw<readonly ArcCandidate[]>([]);
  /** Why the test cannot be answered. */
  problem = $state.raw<Failure | null>(null);
  /** Training step of the weights. */
  step = $state(0);
  /** The selected augmented copy, from 0; `null` is the latest. */
  selected = $state<number | null>(null);

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

  override begin(request: TestRequest): void {
    super.begin(request);
    // The test as it is stays in view while the others are answered.
    this.selected = 0;
  }

  override forget(): void {
    super.forget();
    this.candidates = [];
    this.problem = null;
    this.selected = null;
  }

  /** Counts the votes after each copy. */
  protected override async answer(
    client: SessionClient,
    request: TestRequest,
    current: () => boolean,
  ): Promise<void> {
    const augmentation = this.answers.length;
    try {
      const { step, answers } = await client.ask(
        { type: 'predict_arc', ...request, augmentation },
        'arc_predicted',
      );
      const all = [...this.answers, answers];
      const vote = { type: 'vote', predictions: predictionsOf(all) } as const;
      const { candidates } = await client.ask(vote, 'voted');
      if (!current()) return;
      this.answers = all;
      this.candidates = candidates;
      this.step = step;
      if (all.length >= answers.augmentations) this.stop();
    } catch (error) {
      if (!(error instanceof SessionError) || error.failure.kind !== 'puzzle') throw error;
      if (!current()) return;
      this.stop();
      this.problem = error.failure;
    }
  }
}
