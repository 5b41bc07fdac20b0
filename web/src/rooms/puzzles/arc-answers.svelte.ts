// Answers to one test, guise after guise, and what they vote for. All are of the same
// weights: training waits meanwhile.

import { type SessionClient, SessionError } from '../../client/client';
import type { ArcAnswers, ArcCandidate, ArcTask, Failure } from '../../gen';
import { ballotsOf } from './arc';

interface Question {
  readonly task: ArcTask;
  readonly test: number;
  readonly steps: number;
}

export class ArcPredictions {
  /** By guise; the first is the test as it was given. */
  answers = $state.raw<readonly ArcAnswers[]>([]);
  /** What they vote for, most votes first. */
  candidates = $state.raw<readonly ArcCandidate[]>([]);
  /** Why the test cannot be answered. */
  problem = $state.raw<Failure | null>(null);
  /** Steps of training that the answering weights have seen. */
  step = $state(0);
  /** The guise that is looked at, from 0; `null` is the latest. */
  guise = $state<number | null>(null);

  #question = $state.raw<Question | null>(null);
  #round = 0;

  /** Whether there are guises to come. */
  get wanted(): boolean {
    return this.#question !== null;
  }

  /** Guises in all; 0 as long as the model has not said so. */
  get guises(): number {
    return this.answers[0]?.guises ?? 0;
  }

  /** The guise that is shown, from 0. */
  get at(): number {
    return Math.min(this.guise ?? Infinity, Math.max(0, this.answers.length - 1));
  }

  get shown(): ArcAnswers | null {
    return this.answers[this.at] ?? null;
  }

  begin(question: Question): void {
    this.forget();
    this.#question = question;
  }

  /** What was answered so far stays. */
  stop(): void {
    this.#question = null;
  }

  forget(): void {
    this.#round += 1;
    this.#question = null;
    this.answers = [];
    this.candidates = [];
    this.problem = null;
    this.guise = null;
  }

  /** Answers in one more guise, and counts. */
  async next(client: SessionClient): Promise<void> {
    const [question, round] = [this.#question, this.#round];
    if (!question) return;
    try {
      const command = { type: 'attempt', ...question, guise: this.answers.length } as const;
      const { step, answers } = await client.ask(command, 'attempted');
      const all = [...this.answers, answers];
      const vote = { type: 'vote', ballots: ballotsOf(all) } as const;
      const { candidates } = await client.ask(vote, 'voted');
      // Another question was put meanwhile; one that was only stopped keeps its answer.
      if (round !== this.#round) return;
      this.answers = all;
      this.candidates = candidates;
      this.step = step;
      if (all.length >= answers.guises) this.stop();
    } catch (error) {
      if (round === this.#round) this.stop();
      if (!(error instanceof SessionError) || error.failure.kind !== 'puzzle') throw error;
      if (round === this.#round) this.problem = error.failure;
    }
  }
}
