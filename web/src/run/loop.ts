// The main loop: text, training, validation and saving, one after another, and recovery
// from failures.

import { SessionError } from '../client/client';
import { sentence } from './format';
import type { Task, TaskQueue } from './task-queue';
import type { Machine } from './machine.svelte';
import type { Notices } from './notices.svelte';
import type { Runs } from './runs.svelte';
import type { Training } from './training.svelte';

/** Crashes without progress between them, after which the page gives up. */
const MOST_REVIVED = 3;

/** The parts that the loop drives. */
export interface Around {
  readonly machine: Machine;
  readonly run: Training;
  readonly runs: Runs;
  readonly notices: Notices;
  readonly queue: TaskQueue;
  /** What a run is attached to, where that is the visitor's own. */
  readonly own: () => string | null;
  /** Work for idle time; returns whether there was any. */
  readonly spare: () => Promise<boolean>;
}

export class Loop {
  readonly #at: Around;
  #revived = 0;

  constructor(around: Around) {
    this.#at = around;
  }

  /** Opens the device, starts, and runs until the page closes. */
  async live(begin: () => Promise<void>): Promise<never> {
    try {
      await this.#at.machine.open();
      await this.#at.machine.cores.detectCores();
      await begin();
    } catch (error) {
      await this.#trouble(error);
    }
    for (;;) {
      try {
        await this.#turn();
      } catch (error) {
        await this.#trouble(error);
      }
    }
  }

  async #turn(): Promise<unknown> {
    const task = this.#at.queue.next();
    if (task) return this.#attend(task);
    const run = this.#at.run;
    if (run.phase === 'broken' || !run.state.summary) return this.#at.queue.sleep();
    const now = performance.now();
    if (await run.respond(now)) return;
    if (run.phase === 'training' && this.#at.runs.autosave.due(now))
      return this.#at.runs.autosave.save();
    if (run.wanted) return (await run.step()) && this.#at.runs.autosave.save();
    if (await run.idle(now)) return;
    if (this.#at.runs.autosave.unsaved) return this.#at.runs.autosave.save();
    if (await this.#at.spare()) return;
    return this.#at.queue.sleep(run.due(performance.now()) ?? undefined);
  }

  /** A failed request is reported, and training continues. */
  async #attend(task: Task): Promise<void> {
    try {
      await task();
    } catch (error) {
      if (!(error instanceof SessionError) || error.severe || !this.#at.run.state.summary)
        throw error;
      this.#at.notices.fail(error);
    }
  }

  async #trouble(error: unknown): Promise<void> {
    const run = this.#at.run;
    if (!(error instanceof SessionError)) {
      const message = error instanceof Error ? error.message : String(error);
      const hint = 'Reload the page to resume from the last save.';
      this.#at.notices.tell('bad', `Something went wrong: ${message}`, hint);
      if (!run.state.summary) run.phase = 'broken';
      return;
    }
    const { failure } = error;
    if (error.severe || failure.kind === 'diverged') {
      try {
        await this.#revive(failure.message, failure.hint, error.severe);
      } catch (again) {
        run.phase = 'broken';
        const { message, hint } = again instanceof SessionError ? again.failure : failure;
        const kept = run.state.summary ? ' The last save is unchanged.' : '';
        this.#at.notices.tell('bad', message, hint + kept);
      }
      return;
    }
    this.#at.notices.fail(error);
    run.pause();
    if (!run.state.summary) run.phase = 'broken';
  }

  /** Starts a new worker and goes on from the last save. */
  async #revive(message: string, hint: string, goOn: boolean): Promise<void> {
    const run = this.#at.run;
    this.#revived = this.#at.runs.autosave.progressed ? 1 : this.#revived + 1;
    this.#at.runs.autosave.progressed = false;
    if (this.#revived > MOST_REVIVED) {
      run.phase = 'broken';
      const advice = 'It happened repeatedly. Reload the page; the last save is unchanged.';
      this.#at.notices.tell('bad', message, advice);
      return;
    }
    const training = run.phase === 'training';
    const lost = run.state.step;
    await this.#at.machine.renew();
    await this.#at.runs.back();
    // A run that diverged would do so again; a crash is no fault of its own.
    if (goOn && training && run.phase === 'paused') {
      const { current } = this.#at.runs;
      // Puzzle runs are restored without what they train on.
      try {
        await current.attach(current.own ?? this.#at.own());
        if (run.state.summary?.trainable) run.phase = 'training';
      } catch (error) {
        // The run is there and can be asked, also where its data are refused.
        if (!(error instanceof SessionError) || error.severe) throw error;
        hint = `${sentence(error.failure.message)} ${error.failure.hint}`;
      }
    }
    const went = `Went back from step ${lost} to the last save, step ${run.state.step}`;
    const now = run.phase === 'training' ? 'training continues from there' : 'training is paused';
    this.#at.notices.tell('bad', message, `${went}; ${now}. ${hint}`);
  }
}
