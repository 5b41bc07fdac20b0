// Training of a run in short requests, so that the page stays responsive.

import type { RunConfig, RunSummary, StepReport } from '../gen';
import { type RunEvent, type History, NO_RUN, type Phase, reduce, type RunState } from './state';
import { differing, valueOf, withSetting } from './settings';
import type { Machine } from './machine.svelte';

/** Milliseconds of training per request, so that the page stays responsive. */
const SLICE = 200;

export abstract class Training {
  state = $state.raw<RunState>(NO_RUN);
  phase = $state<Phase>('opening');
  /** Whether steps are being made; the last ones arrive after a pause. */
  stepping = $state(false);
  /** The configuration in the settings form; a new run uses it. */
  draft: RunConfig;

  protected readonly machine: Machine;
  #single = 0;
  #batch = 1;

  constructor(machine: Machine, config: RunConfig) {
    this.machine = machine;
    this.draft = $state.raw(config);
  }

  /** Another run replaced the current one. `finished`: its loss is known already. */
  abstract begin(
    summary: RunSummary,
    text: string | null,
    history: History | null,
    finished: boolean,
  ): void;

  protected begun(summary: RunSummary, history: History | null): void {
    this.apply({ type: 'began', summary, history });
    this.draft = summary.config;
    this.phase = summary.step >= summary.config.train.max_iters ? 'done' : 'paused';
    this.#single = 0;
    this.#batch = 1;
    this.machine.cores.onRunStarted();
  }

  /** Its settings changed while it goes on. */
  change(summary: RunSummary): void {
    const before = this.state.summary?.config ?? summary.config;
    this.apply({ type: 'changed', summary });
    this.machine.cores.onSettingsChanged();
    // What else stands in the form, unapplied, stays there.
    for (const setting of differing(before, summary.config)) {
      this.draft = withSetting(this.draft, setting, valueOf(summary.config, setting));
    }
    if (this.phase === 'done' && this.state.step < summary.config.train.max_iters) {
      this.phase = 'paused';
    }
  }

  train(): boolean {
    if (this.phase !== 'paused' && this.phase !== 'done') return false;
    // Single steps that were asked for before are among those that follow.
    this.#single = 0;
    this.phase = 'training';
    return true;
  }

  pause(): void {
    this.#single = 0;
    if (this.phase === 'training') this.phase = 'paused';
  }

  /** Trains one step. */
  single(): boolean {
    if (this.phase !== 'paused') return false;
    this.#single += 1;
    return true;
  }

  get wanted(): boolean {
    return this.phase === 'training' || this.#single > 0;
  }

  /** Trains for a moment; returns whether training finished now. */
  async step(): Promise<boolean> {
    const n = this.phase === 'training' ? this.#batch : 1;
    if (this.phase !== 'training') this.#single -= 1;
    this.stepping = true;
    const { reports, ms } = await this.#steps(n).finally(() => (this.stepping = false));
    if (reports.length === 0) {
      this.phase = 'done';
      return false;
    }
    const from = this.state.step;
    this.apply({ type: 'stepped', reports, ms });
    this.#batch = Math.max(1, Math.min(200, Math.round((n * SLICE) / Math.max(1, ms))));
    this.stepped(from);
    if (this.state.step < (this.state.summary?.config.train.max_iters ?? Infinity)) return false;
    this.phase = 'done';
    await this.finish();
    return true;
  }

  /** Makes steps, on several cores where there are any. */
  async #steps(n: number): Promise<{ reports: readonly StepReport[]; ms: number }> {
    const { client, cores } = this.machine;
    if (this.state.summary) await cores.prepare(client, this.state.summary);
    const before = performance.now();
    const reports = await cores.step(client, n);
    return { reports, ms: performance.now() - before };
  }

  /** Visible results alternate with training; returns whether there was anything to do. */
  abstract respond(now: number): Promise<boolean>;

  /** Work that can wait for training; returns whether there was anything to do. */
  abstract idle(now: number): Promise<boolean>;

  /** Milliseconds until there is something to show again; `null` when there is nothing. */
  abstract due(now: number): number | null;

  /** Steps have been made since `from`. */
  protected abstract stepped(from: number): void;

  /** The last step has been made. */
  protected abstract finish(): Promise<void>;

  protected apply(event: RunEvent): void {
    this.state = reduce(this.state, event);
  }
}
