// The data leak demonstration: a model that trains with the leak in its own worker, and is
// scored with and without the leak during training.

import { type SessionClient, SessionError } from '../../client/client';
import {
  advanced,
  type LeakPhase,
  type LeakRun,
  leakConfig,
  nextScore,
  opened,
  scored,
  totalOf,
} from './leak-scores';
import { sentence } from '../../run/format';
import { depthOf } from '../../gen';
import type { Wish } from '../../run/wish';
import { Machine } from '../../run/machine.svelte';

/** Training steps per request; few, so that the step count moves. */
const STEPS_AT_ONCE = 5;
/** Tokens of the validation text in each score. */
const SCORED_TOKENS = 4096;

export interface LeakContext {
  readonly spawn: () => SessionClient;
  /** Uses the same device as the page. */
  readonly wish: Wish;
  /** Shakespeare. */
  readonly text: () => Promise<string>;
}

/** Why the demonstration ended early, and what to do. */
export interface Problem {
  readonly message: string;
  readonly hint: string;
}

export class LeakDemo {
  phase = $state<LeakPhase>('ready');
  run = $state.raw<LeakRun | null>(null);
  problem = $state.raw<Problem | null>(null);

  readonly #around: LeakContext;
  #machine: Machine | null = null;
  /** Counts starts and ends; results of an ended demonstration are ignored. */
  #turn = 0;

  constructor(around: LeakContext) {
    this.#around = around;
  }

  get busy(): boolean {
    return this.phase === 'opening' || this.phase === 'training';
  }

  /** From the first step to the last, unless it is stopped. */
  async train(): Promise<void> {
    if (this.busy) return;
    this.#end('opening');
    this.run = this.problem = null;
    const turn = this.#turn;
    try {
      await this.#train(turn);
    } catch (error) {
      this.#fail(turn, error);
    }
  }

  /** Takes effect at once and keeps the scores. */
  stop(): void {
    if (this.busy) this.#end(this.run ? 'stopped' : 'ready');
  }

  async #train(turn: number): Promise<void> {
    const machine = new Machine(this.#around.spawn, this.#around.wish, 'language');
    this.#machine = machine;
    const { client } = machine;
    await machine.open();
    const config = leakConfig();
    const text = await this.#around.text();
    const data = { kind: 'text', name: config.data.dataset, text } as const;
    const command = { type: 'create', config, data } as const;
    const { summary } = await client.ask(command, 'ready');
    let run = await score(client, opened(summary));
    while (turn === this.#turn) {
      this.run = run;
      this.phase = 'training';
      if (run.step >= totalOf(run)) return this.#end('done');
      run = await advance(client, run);
    }
  }

  /** Keeps the curves and ends the worker. */
  #fail(turn: number, error: unknown): void {
    // A worker that was ended on purpose also rejects its pending requests.
    if (turn !== this.#turn) return;
    this.#end('failed');
    this.problem =
      error instanceof SessionError
        ? error.failure
        : { message: sentence(error instanceof Error ? error.message : String(error)), hint: '' };
  }

  #end(phase: LeakPhase): void {
    this.#turn += 1;
    this.phase = phase;
    this.#machine?.client.terminate();
    this.#machine = null;
  }
}

/** A few steps, and a score where one is due. */
async function advance(client: SessionClient, run: LeakRun): Promise<LeakRun> {
  const before = performance.now();
  const due = nextScore(run);
  const n = Math.min(STEPS_AT_ONCE, due - run.step);
  const { reports } = await client.ask({ type: 'step', n }, 'stepped');
  const step = reports.at(-1)?.step ?? due;
  const here = { ...run, step };
  const next = step >= due ? await score(client, here) : here;
  return advanced(next, step, performance.now() - before);
}

/** At the depth that it is trained at. */
async function score(client: SessionClient, run: LeakRun): Promise<LeakRun> {
  const depths = [depthOf(run.summary.config.model)];
  const command = { type: 'evaluate', depths, max_tokens: SCORED_TOKENS } as const;
  const { depths: losses } = await client.ask(command, 'evaluated');
  const [loss] = losses;
  if (!loss) throw new Error('the model was not scored');
  return scored(run, loss);
}
