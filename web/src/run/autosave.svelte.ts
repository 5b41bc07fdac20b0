// Saves the current run in the browser: every few seconds while it trains, and when it
// pauses, changes or gives way to another run.

import { SessionError } from '../client/client';
import { type SavedRun, type SavedRuns, sizeOf } from './saved-runs';
import { type Complain, RunSaver } from './saver';
import { claim } from './tab-lock';

/** Least and most milliseconds between two saves while training. */
const SOONEST = 5_000;
const LATEST = 20_000;

/**
 * How many times longer than a save lasts the training between two is, and the most bytes per
 * millisecond that are written: a small run is saved often, since a tab that is closed loses
 * what came after the last save; a large one is neither slowed down nor written all the time.
 */
const PATIENCE = 50;
const RATE = 1000;

/** What is saved, and whether it can be. */
export interface Snapshots {
  readonly step: () => number;
  /** Whether there is a run that can be saved. */
  readonly possible: () => boolean;
  readonly take: () => Promise<SavedRun>;
  /** Whether nothing would be lost with the run. */
  readonly needless: () => boolean;
  /** Called after a save. */
  readonly saved: () => void;
}

export class Autosave {
  /** Milliseconds since 1970 of the last save of the current run. */
  savedAt = $state<number | null>(null);
  /** Step of the last save of the current run. */
  savedStep = $state<number | null>(null);
  /** Bytes that the current run takes in the browser. */
  savedBytes = $state<number | null>(null);
  /** Why this tab does not save its run: another tab does, or the browser has no storage for it. */
  prevented = $state<'tab' | 'storage' | null>(null);
  /** Whether the last save failed. */
  #failed = $state(false);
  /** Whether training has gone further since the last return to a save. */
  progressed = true;

  readonly saver: RunSaver;
  readonly #snapshots: Snapshots;
  #due = 0;
  /** Milliseconds that the last save took. */
  #cost = 0;
  /** The step that was last saved, or tried to be. */
  #saved = 0;
  /** A step that could not be saved, and of which the visitor has been told so. */
  #unsavable: number | null = null;

  /** `place`: runs of two tabs with the same place would overwrite each other. */
  constructor(store: SavedRuns, place: string, complain: Complain, snapshots: Snapshots) {
    this.saver = new RunSaver(store, complain, claim(place));
    this.#snapshots = snapshots;
  }

  /** Finds out whether this tab can save its run. */
  async look(): Promise<void> {
    const { store, mine } = this.saver;
    this.prevented = !(await store.possible) ? 'storage' : (await mine) ? null : 'tab';
  }

  /** Whether runs are saved: they can be, and the last one was. */
  get works(): boolean {
    return this.prevented === null && !this.#failed;
  }

  get unsaved(): boolean {
    return this.#snapshots.step() !== this.#saved;
  }

  due(now: number): boolean {
    return now >= this.#due;
  }

  /** Another run is current, at this step. `from`: the record that it was restored from. */
  began(step: number, from: SavedRun | null): void {
    this.savedAt = from?.savedAt ?? null;
    this.savedStep = from?.step ?? null;
    this.savedBytes = from && sizeOf(from);
    this.#saved = step;
    this.#unsavable = null;
    this.#postpone();
  }

  /** Whether the run is saved now, or need not be. */
  async save(): Promise<boolean> {
    this.#postpone();
    const { step, possible, take, needless, saved } = this.#snapshots;
    if (!possible()) return false;
    if (needless()) return true;
    const progress = step() > this.#saved;
    // Also when it fails: the next step tries again.
    this.#saved = step();
    const began = performance.now();
    const snapshot = await take();
    // A crash goes back to the snapshot, also where the browser does not keep it.
    if (progress) this.progressed = true;
    this.#failed = !(await this.saver.save(snapshot));
    this.#cost = performance.now() - began;
    this.savedBytes = sizeOf(snapshot);
    this.#postpone();
    if (this.#failed) return false;
    this.savedAt = snapshot.savedAt;
    this.savedStep = snapshot.step;
    saved();
    return true;
  }

  #postpone(): void {
    const size = (this.savedBytes ?? 0) / RATE;
    const wait = Math.min(Math.max(PATIENCE * this.#cost, size, SOONEST), LATEST);
    this.#due = performance.now() + wait;
  }

  /** Whether the run may give way to another: it is saved, or this is asked a second time. */
  async release(): Promise<boolean> {
    const step = this.#snapshots.step();
    if (step === 0 || (await this.#kept()) || this.#unsavable === step) return true;
    this.#unsavable = step;
    return false;
  }

  /** Saves the run. One that cannot be, such as one that diverged, counts as not saved. */
  async #kept(): Promise<boolean> {
    try {
      return await this.save();
    } catch (error) {
      if (error instanceof SessionError && !error.severe) return false;
      throw error;
    }
  }
}
