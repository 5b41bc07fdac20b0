// The runs that were set aside in this browser, and the storage that they take.

import type { RunSaver } from './saver';
import type { SavedRun } from './saved-runs';

/** Bytes of the browser's storage that this page uses, and that are free. */
export interface Storage {
  readonly used: number;
  readonly free: number;
}

export class SavedList {
  /** The latest first. */
  runs = $state.raw<readonly SavedRun[]>([]);
  /** The run that was deleted last, as long as that can be undone. */
  deleted = $state.raw<SavedRun | null>(null);
  /** `null` where the browser does not say: only pages served securely are told. */
  storage = $state.raw<Storage | null>(null);

  readonly #saver: RunSaver;

  constructor(saver: RunSaver) {
    this.#saver = saver;
  }

  async refresh(): Promise<void> {
    this.runs = (await this.#saver.kept()) ?? this.runs;
    void this.measure();
  }

  /** Whether a run is in the list: another action may have removed it. */
  has({ id }: SavedRun): boolean {
    return this.runs.some((run) => run.id === id);
  }

  async discard(run: SavedRun): Promise<void> {
    if (!this.has(run)) return;
    if (await this.#saver.discard(run.id)) this.deleted = run;
    await this.refresh();
  }

  /** Undoes the last deletion. */
  async undelete(): Promise<void> {
    const back = this.deleted && (await this.#saver.putBack(this.deleted));
    await this.refresh();
    // Last: the focus goes from Undo to the run.
    if (back) this.deleted = null;
  }

  async measure(): Promise<void> {
    try {
      const { usage = 0, quota = 0 } = await navigator.storage.estimate();
      this.storage = { used: usage, free: Math.max(0, quota - usage) };
    } catch {
      this.storage = null;
    }
  }
}
