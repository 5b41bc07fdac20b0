// Training on several cores: how many workers there should be, and those there are. They
// are opened while the first one trains alone, and replaced once if one of them stops.

import { type SessionClient, SessionError } from '../client/client';
import type { RunSummary, StepReport } from '../gen';
import type { Sources, WorkerGroup } from './group';
import { ALONE, machineFacts, type Sharing, sharing, suitable } from './sharing';

/** Groups that may break, one after another, before the first worker stays alone. */
const MOST_BROKEN = 2;

/** Milliseconds without a step after which the other workers are ended. */
const REST = 30_000;

/** Milliseconds for which a problem is shown at least, so that it can be read. */
const READABLE = 10_000;

/** What differs between the first worker's run and the copies. */
type Stale = 'nothing' | 'settings' | 'run';

export class Cores {
  /** Workers that the visitor asked for; `null`: as many as suit the machine. */
  chosen = $state.raw<number | null>(null);
  /** How the present steps are shared. */
  now = $state.raw<Sharing>(ALONE);
  /** Milliseconds of a step by number of workers. */
  speeds = $state.raw<Readonly<Record<number, number>>>({});
  /** Why there are fewer workers than there should be. */
  problem = $state.raw<string | null>(null);
  /** Whether steps can be shared at all: only on the CPU. */
  possible = $state.raw(false);
  /** What copies of the current run need; `null` where it cannot be copied. */
  sources: () => Sources | null = () => null;

  /** Workers that suit the machine. */
  #suitable = $state.raw(1);
  readonly #open: () => Promise<SessionClient>;
  #group: WorkerGroup | null = null;
  /** Workers that are open or opening for the next group. */
  #coming: Promise<WorkerGroup | null> | null = null;
  #ready: WorkerGroup | null = null;
  #stale: Stale = 'run';
  #broken = 0;
  #brokenAt = 0;
  #resting: ReturnType<typeof setTimeout> | undefined;

  /** `open`: another worker on the CPU. */
  constructor(open: () => Promise<SessionClient>, chosen: number | null) {
    this.#open = open;
    this.chosen = chosen;
  }

  /** Finds out how many workers suit the machine. */
  async detectCores(): Promise<void> {
    this.#suitable = suitable(await machineFacts());
  }

  /** Workers that there should be, if the run can be shared among so many. */
  get wanted(): number {
    return this.chosen ?? this.#suitable;
  }

  choose(cores: number): void {
    this.chosen = cores;
    this.#broken = 0;
    this.problem = null;
  }

  /** Another run is current. */
  onRunStarted(): void {
    this.#stale = 'run';
    this.#broken = 0;
    this.speeds = {};
    this.problem = null;
  }

  /** The settings of the run changed, or its data. */
  onSettingsChanged(): void {
    if (this.#stale === 'nothing') this.#stale = 'settings';
    this.speeds = {};
  }

  /** Makes the workers ready that the next steps need, as far as that takes no waiting. */
  async prepare(first: SessionClient, summary: RunSummary): Promise<void> {
    // Copying may take longer than the rest.
    clearTimeout(this.#resting);
    const wanted = this.#sharing(summary);
    if (this.#group && !this.#fits(this.#group, first, wanted)) await this.#dismiss(first);
    if (wanted.size === 1) return this.#forget();
    const { size, parts } = wanted;
    try {
      if (!this.#group) {
        this.#group = this.#take(first, size);
        if (!this.#group) return;
        this.#stale = 'run';
      }
      const sources = this.sources();
      if (this.#stale === 'run' && sources) await this.#group.copy(sources, wanted);
      else if (this.#stale === 'settings' || parts !== this.now.parts) {
        await this.#group.configure(summary.config, wanted);
      }
      this.#stale = 'nothing';
      this.now = wanted;
    } catch (error) {
      if (!first.alive) throw error;
      if (!this.#group?.stopped) this.#breaks(failed(error));
      await this.#dismiss(first);
    }
  }

  /** Trains up to `n` steps. */
  async step(first: SessionClient, n: number): Promise<readonly StepReport[]> {
    const before = performance.now();
    const { now } = this;
    const reports = (await this.#together(first, n)) ?? (await this.#alone(first, n));
    const ms = performance.now() - before;
    // Steps of a group that broke say nothing about one core.
    if (reports.length > 0 && this.now === now) this.#measure(ms / reports.length);
    // Also without a group: workers for one may be ready or opening.
    clearTimeout(this.#resting);
    this.#resting = setTimeout(() => this.#endOthers(), REST);
    return reports;
  }

  /** The first worker is gone, and its group with it. */
  onWorkerLost(): void {
    this.#group?.close();
    this.#group = null;
    this.now = ALONE;
    this.#stale = 'run';
    this.#forget();
  }

  /** Ends the other workers, also those that are still opening. */
  #endOthers(): void {
    this.#group?.close();
    this.#forget();
  }

  /** `null` if the first worker is to make them alone. */
  async #together(first: SessionClient, n: number): Promise<readonly StepReport[] | null> {
    if (!this.#group) return null;
    const reports = await this.#group.step(n);
    if (this.#group.stopped) await this.#dismiss(first);
    else if (performance.now() > this.#brokenAt + READABLE) {
      // Another group has taken the place of the one that broke, and works.
      this.problem = null;
      this.#broken = 0;
    }
    return reports;
  }

  async #alone(first: SessionClient, n: number): Promise<readonly StepReport[]> {
    return (await first.ask({ type: 'step', n }, 'stepped')).reports;
  }

  #sharing({ config, trainable }: RunSummary): Sharing {
    if (!this.possible || !trainable || this.#broken >= MOST_BROKEN || !this.sources())
      return ALONE;
    return sharing(config, this.wanted);
  }

  #fits(group: WorkerGroup, first: SessionClient, { size }: Sharing): boolean {
    return group.whole && group.isOf(first) && group.size === size;
  }

  /** A group whose workers are open; else they are being opened. */
  #take(first: SessionClient, size: number): WorkerGroup | null {
    const ready = this.#ready;
    if (ready && this.#fits(ready, first, { size, parts: 1 })) {
      this.#forget(false);
      return ready;
    }
    if (ready) this.#forget();
    if (this.#coming) return null;
    const coming = this.#gather(first, size);
    this.#coming = coming;
    void coming.then((group) => {
      if (this.#coming !== coming) group?.close();
      else if (group) this.#ready = group;
      else this.#coming = null;
    });
    return null;
  }

  /** A group that is not needed now, or taken. */
  #forget(close = true): void {
    if (close) this.#ready?.close();
    this.#ready = null;
    this.#coming = null;
  }

  async #gather(first: SessionClient, size: number): Promise<WorkerGroup | null> {
    // First, so that no worker is opened in vain where the code cannot be fetched.
    const [code] = await Promise.allSettled([import('./group')]);
    if (code.status === 'rejected') return this.#unopened('A code file could not be fetched.');
    const others = await Promise.allSettled(Array.from({ length: size - 1 }, () => this.#open()));
    const open = others.flatMap((other) => (other.status === 'fulfilled' ? [other.value] : []));
    const failure = others.find((other) => other.status === 'rejected');
    if (!failure) return new code.value.WorkerGroup(first, open);
    for (const other of open) other.terminate();
    return this.#unopened(failed(failure.reason));
  }

  /** There is no group now; the next steps may ask for one again. */
  #unopened(message: string): null {
    this.#breaks(message);
    return null;
  }

  /** The first worker goes on alone. */
  async #dismiss(first: SessionClient): Promise<void> {
    const group = this.#group;
    this.#group = null;
    this.now = ALONE;
    if (group?.stopped) this.#breaks(group.stopped.message);
    if (group?.isOf(first)) await group.leave();
    else group?.close();
  }

  #breaks(message: string): void {
    this.#broken += 1;
    this.#brokenAt = performance.now();
    this.problem =
      this.#broken < MOST_BROKEN
        ? `Another worker is started in place of one that failed. ${message} No step was lost.`
        : `Training continues on one core, because workers failed repeatedly. ${message} No step was lost.`;
  }

  /** Smoothed, so that it can be read. */
  #measure(ms: number): void {
    const { size } = this.now;
    const before = this.speeds[size] ?? ms;
    this.speeds = { ...this.speeds, [size]: 0.8 * before + 0.2 * ms };
  }
}

function failed(error: unknown): string {
  return error instanceof SessionError ? error.failure.message : String(error);
}
