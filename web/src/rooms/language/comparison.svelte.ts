// A/B comparison: two configurations trained alternately, each in its own worker. Only one
// works at a time, so that their times can be compared. The current run only pauses.

import { type SessionClient, SessionError } from '../../client/client';
import {
  configOf,
  DEFAULT_COMPARISON,
  type ComparisonPlan,
  obstacle,
  type Side,
} from './comparison-plan';
import { sentence } from '../../run/format';
import { began, type SideState, stepped, validated } from './comparison-side';
import type { PageAddress } from './url';
import { named } from './datasets';
import { Machine } from '../../run/machine.svelte';
import { depthOf } from '../../gen';

/** Milliseconds of training of the slower side per turn. */
const SLICE = 200;
/** Validations of a comparison, and tokens in each. */
const VALIDATIONS = 20;
const VALIDATION_TOKENS = 4096;

export type ComparisonPhase = 'ready' | 'opening' | 'training' | 'paused' | 'done' | 'failed';

export interface ComparisonContext {
  readonly spawn: () => SessionClient;
  readonly wish: Pick<PageAddress, 'device' | 'software'>;
  /** Settles when the current run no longer trains. */
  readonly quiet: () => Promise<void>;
  /** The training text, and whether it is the visitor's own. */
  readonly text: () => Promise<{ readonly corpus: string; readonly own: string | null }>;
  /** Updates the address. */
  readonly remember: () => void;
}

type Pair<T> = readonly [T, T];

export class Comparison {
  /** Whether it is open; the address then contains it. */
  open = $state(false);
  plan = $state.raw(DEFAULT_COMPARISON);
  phase = $state<ComparisonPhase>('ready');
  sides = $state.raw<Pair<SideState> | null>(null);
  problem = $state<string | null>(null);

  readonly #around: ComparisonContext;
  #machines: Pair<Machine> | null = null;
  #batch = 1;
  /** Counts the comparisons that ended; pending work of an ended one stops. */
  #turn = 0;
  #loop: Promise<void> = Promise.resolve();

  constructor(around: ComparisonContext, plan: ComparisonPlan | null) {
    this.#around = around;
    if (!plan) return;
    this.open = true;
    this.plan = plan;
  }

  /** Why the two would train on different batches; `null` if they would not. */
  get obstacle(): string | null {
    return obstacle(this.plan);
  }

  get busy(): boolean {
    return this.phase === 'opening' || this.phase === 'training';
  }

  show(open: boolean): void {
    if (open === this.open) return;
    this.open = open;
    if (!open) this.reset();
    this.#around.remember();
  }

  /** A changed plan: results of the old one are dropped. */
  change(plan: ComparisonPlan): void {
    this.reset();
    this.plan = plan;
    this.#around.remember();
  }

  /** Trains both, from scratch or from where they paused. */
  async train(): Promise<void> {
    if (this.busy || this.obstacle) return;
    const goesOn = this.phase === 'paused';
    if (!goesOn) this.reset();
    const turn = this.#turn;
    this.phase = goesOn ? 'training' : 'opening';
    try {
      await this.#around.quiet();
      // It may have been reset meanwhile: workers that start now would never be ended.
      if (turn !== this.#turn) return;
      if (!goesOn) await this.#begin(turn);
    } catch (error) {
      this.#fail(turn, error);
    }
    // A slice that was under way when it paused comes first.
    this.#loop = this.#loop.then(() => this.#go(turn)).catch((error) => this.#fail(turn, error));
    await this.#loop;
  }

  /** Takes effect once both are at the same step. */
  pause(): void {
    if (this.phase === 'training') this.phase = 'paused';
    else if (this.phase === 'opening') this.reset();
  }

  /** Removes the results and ends the workers. */
  reset(): void {
    this.#end('ready');
    this.sides = null;
    this.problem = null;
  }

  async #begin(turn: number): Promise<void> {
    this.#batch = 1;
    const { spawn, wish, text } = this.#around;
    const machine = () => new Machine(spawn, wish, 'language');
    const machines = [machine(), machine()] as const;
    this.#machines = machines;
    const { corpus, own } = await text();
    const make = (side: Side, machine: Machine): Promise<SideState> =>
      ofSide(side, async () => {
        await machine.open();
        const config = named(configOf(this.plan, side), own);
        const data = { kind: 'text', name: config.data.dataset, text: corpus } as const;
        const command = { type: 'create', config, data } as const;
        const { summary } = await machine.client.ask(command, 'ready');
        return this.#validate(machine, began(summary));
      });
    // One after the other: they share the processor.
    const a = await make('a', machines[0]);
    const b = await make('b', machines[1]);
    if (turn !== this.#turn) return;
    this.sides = [a, b];
    this.phase = 'training';
  }

  async #go(turn: number): Promise<void> {
    while (turn === this.#turn && this.phase === 'training') {
      const { sides } = this;
      const machines = this.#machines;
      if (!sides || !machines) return;
      const { steps } = this.plan;
      const { step } = sides[0];
      // Both stop where they are validated, so that they are at the same steps.
      const every = Math.max(1, Math.ceil(steps / VALIDATIONS));
      const next = Math.min(steps, (Math.floor(step / every) + 1) * every);
      const n = Math.min(this.#batch, next - step);
      const a = await ofSide('a', () => this.#advance(machines[0], sides[0], n, next));
      if (turn !== this.#turn) return;
      const b = await ofSide('b', () => this.#advance(machines[1], sides[1], n, next));
      if (turn !== this.#turn) return;
      this.sides = [a, b];
      const slower = Math.max(a.elapsed - sides[0].elapsed, b.elapsed - sides[1].elapsed);
      this.#batch = Math.max(1, Math.min(200, Math.round((n * SLICE) / Math.max(1, slower))));
      if (a.step >= steps) this.#end('done');
    }
  }

  async #advance(machine: Machine, side: SideState, n: number, next: number): Promise<SideState> {
    const before = performance.now();
    const { reports } = await machine.client.ask({ type: 'step', n }, 'stepped');
    const moved = stepped(side, reports, performance.now() - before);
    return moved.step === next ? this.#validate(machine, moved) : moved;
  }

  async #validate(machine: Machine, standing: SideState): Promise<SideState> {
    const { summary } = standing;
    if (summary.val_tokens < 2) return standing;
    const depths = [depthOf(summary.config.model)];
    const command = { type: 'evaluate', depths, max_tokens: VALIDATION_TOKENS } as const;
    const { depths: losses } = await machine.client.ask(command, 'evaluated');
    return validated(standing, losses[0]?.loss ?? NaN);
  }

  /** Keeps the curves and ends the workers. */
  #fail(turn: number, error: unknown): void {
    // A worker that was ended on purpose also rejects its pending requests.
    if (turn !== this.#turn) return;
    this.#end('failed');
    this.problem = error instanceof Error ? error.message : String(error);
  }

  #end(phase: ComparisonPhase): void {
    this.#turn += 1;
    this.phase = phase;
    if (phase !== 'paused') this.#close();
  }

  #close(): void {
    for (const machine of this.#machines ?? []) machine.client.terminate();
    this.#machines = null;
  }
}

/** Adds the side to an error. */
async function ofSide<T>(side: Side, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const known = error instanceof SessionError;
    const message = error instanceof Error ? error.message : String(error);
    const words = `${side.toUpperCase()}: ${sentence(message)} ${known ? error.failure.hint : ''}`;
    throw new Error(words.trim(), { cause: error });
  }
}
