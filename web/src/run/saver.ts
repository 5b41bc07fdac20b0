// Saves runs in the browser. If its storage is full or forbidden, it reports that, and the
// page continues without.

import type { SavedRun, SavedRuns } from './saved-runs';
import { CURRENT } from './saved-runs';

export type Complain = (message: string, hint: string) => void;

/** Message and hint where the browser keeps nothing. */
export const FORBIDDEN = [
  'This browser does not let the page store anything, so runs are not saved here.',
  'Everything else works. Save a checkpoint before you close the tab.',
] as const;

/** What is said where storage fails. */
type Words = readonly [message: string, hint: string];

const SAVING: Words = [
  'The browser cannot save this run.',
  'Save a checkpoint: closing the tab loses all training since the last save.',
];
const AGAIN = 'Reload the page to try again.';
const READING: Words = ['The browser cannot read the saved runs.', AGAIN];
const DELETING: Words = ['The browser cannot delete this run.', AGAIN];

/** A run that is to take the place of the one that is saved as the current one. */
interface Replacement {
  /** The kept run that it goes on from; it leaves the list. */
  readonly taken: string | null;
}

export class RunSaver {
  /** What the next save replaces; `null` once the current run is saved in its place. */
  #replacement: Replacement | null = null;
  /** What was last to be kept, also if it could not be. */
  #latest: SavedRun | null = null;
  /** The same for `#latest`. */
  #latestReplacement: Replacement | null = null;
  /** Whether the visitor knows that the current run cannot be saved. */
  #told = false;

  /** `mine`: whether the place of the current run belongs to this tab. */
  constructor(
    readonly store: SavedRuns,
    readonly complain: Complain,
    readonly mine: Promise<boolean> = Promise.resolve(true),
  ) {}

  /** The last state, for recovery after a crash, even if it could not be saved. */
  async latest(): Promise<SavedRun | null> {
    // A replacement that was lost before its first save replaces nothing.
    this.#replacement = this.#latestReplacement;
    // Until it has replaced the run before, that one is what is saved.
    return this.#latest || this.#replacement ? this.#latest : this.current();
  }

  async current(): Promise<SavedRun | null> {
    if (!(await this.mine)) return null;
    const read = await this.#quietly(
      async () => ({ run: await this.store.load(CURRENT) }),
      READING,
    );
    // A run that could not be read is there all the same: the first save sets it aside.
    if (!read) this.#replacement = this.#latestReplacement = { taken: null };
    return read?.run ?? null;
  }

  kept(): Promise<readonly SavedRun[] | null> {
    return this.#quietly(() => this.store.kept(), READING);
  }

  /** Whether it is gone. */
  async discard(id: string): Promise<boolean> {
    return this.#done(() => this.store.remove(id), DELETING);
  }

  /** Whether it is there again. */
  async putBack(run: SavedRun): Promise<boolean> {
    return this.#done(() => this.store.putBack(run));
  }

  /** From the next save on, another run is the current one. */
  replaceAtNextSave(taken: string | null): void {
    this.#replacement = { taken };
    this.#told = false;
  }

  /** The current run leaves its place to one that need not be kept. */
  async vacate(): Promise<void> {
    this.#latest = null;
    this.#latestReplacement = this.#replacement;
    if (!(await this.mine)) return;
    await this.#quietly(async () => {
      await this.store.replaceCurrent(null, this.#replacement?.taken ?? null);
      this.#replacement = this.#latestReplacement = null;
    });
  }

  /** Whether the run is kept now. */
  async save(run: SavedRun): Promise<boolean> {
    this.#latest = run;
    this.#latestReplacement = this.#replacement;
    if (!(await this.mine)) return false;
    const kept = await this.#quietly(
      async () => {
        // Until it has worked once: a plain save would overwrite the run before.
        if (this.#replacement) await this.store.replaceCurrent(run, this.#replacement.taken);
        else await this.store.save(run);
        this.#replacement = this.#latestReplacement = null;
        return true;
      },
      this.#told ? null : SAVING,
    );
    this.#told = !kept;
    return kept ?? false;
  }

  async #done(work: () => Promise<void>, failed = SAVING): Promise<boolean> {
    const done = await this.#quietly(async () => {
      await work();
      return true;
    }, failed);
    return done ?? false;
  }

  /** `null` where it failed. `words`: what is said then, if anything. */
  async #quietly<T>(work: () => Promise<T>, words: Words | null = SAVING): Promise<T | null> {
    // Said once, by the page.
    if (!(await this.store.possible)) return null;
    try {
      return await work();
    } catch (error) {
      if (!words) return null;
      const [message, hint] = words;
      const full = error instanceof DOMException && error.name === 'QuotaExceededError';
      this.complain(full ? 'The browser has no storage left for this run.' : message, hint);
      return null;
    }
  }
}
