// Runs saved in the browser: the current one and earlier ones.

import type { DBSchema, IDBPDatabase } from 'idb';

import type { RunConfig } from '../gen';
import { opened } from './database';
import { renamed } from './models';
import type { History } from './state';

/** Everything that is needed to resume a run. */
export interface SavedRun {
  readonly id: string;
  readonly preset: string;
  /** The model that came with the page and that the run goes on from. */
  readonly origin?: string | undefined;
  /** What its checkpoint file was called, where it came as one. */
  readonly named?: string | undefined;
  readonly dataset: string;
  /** The text, when it is the visitor's own. */
  readonly text: string | null;
  readonly step: number;
  /** Milliseconds since 1970. */
  readonly savedAt: number;
  readonly checkpoint: Uint8Array;
  readonly optimizer: Uint8Array | null;
  readonly history: History;
  /** Its settings; absent in records of before they were kept beside the checkpoint. */
  readonly config?: RunConfig | undefined;
}

interface Schema extends DBSchema {
  runs: { key: string; value: SavedRun };
}

/** Bytes that a run takes, but for its history, which is small. */
export function sizeOf({ checkpoint, optimizer, text }: SavedRun): number {
  return checkpoint.length + (optimizer?.length ?? 0) + (text?.length ?? 0);
}

export const CURRENT = 'current';

/** Runs set aside beyond this many push out the oldest. */
export const MOST_SAVED = 5;

/** The key of an earlier run. */
export function asideId(savedAt: number): string {
  return `kept-${savedAt}`;
}

export class SavedRuns {
  /** Whether the browser lets the page keep runs at all. */
  readonly possible: Promise<boolean>;

  readonly #name: string;
  #connection: Promise<IDBPDatabase<Schema>>;
  /** Whether the browser has ended the connection. */
  #ended = false;

  constructor(name = 'trm-playground') {
    this.#name = name;
    this.#connection = this.#opened();
    // Each use reports its own failure.
    this.possible = this.#connection.then(
      () => true,
      () => false,
    );
  }

  async save(run: SavedRun): Promise<void> {
    await (await this.#database).put('runs', run);
  }

  async load(id: string): Promise<SavedRun | null> {
    const run = await (await this.#database).get('runs', id);
    return run ? present(run) : null;
  }

  /** Earlier runs, the latest first. */
  async kept(): Promise<SavedRun[]> {
    return aside(await (await this.#database).getAll('runs')).map(present);
  }

  /**
   * Puts a run, or none, in the place of the current one, which is set aside if
   * it has learned something; `taken`, where the new run comes from, leaves the
   * list. One transaction: closing the tab in the middle leaves all as it was.
   */
  async replaceCurrent(run: SavedRun | null, taken: string | null): Promise<void> {
    const change = (await this.#database).transaction('runs', 'readwrite');
    const { store, done } = change;
    // A request that fails is reported by itself; the abort says the same again.
    done.catch(() => undefined);
    const current = await store.get(CURRENT);
    if (taken !== null) await store.delete(taken);
    if (current && current.step > 0) {
      await store.put({ ...current, id: asideId(current.savedAt) });
    }
    if (run) await store.put({ ...run, id: CURRENT });
    else await store.delete(CURRENT);
    for (const old of aside(await store.getAll()).slice(MOST_SAVED)) await store.delete(old.id);
    await done;
  }

  /** Stores an earlier run again. */
  async putBack(run: SavedRun): Promise<void> {
    const { store, done } = (await this.#database).transaction('runs', 'readwrite');
    done.catch(() => undefined);
    await store.put(run);
    const others = aside(await store.getAll()).filter(({ id }) => id !== run.id);
    for (const old of others.slice(MOST_SAVED - 1)) await store.delete(old.id);
    await done;
  }

  async remove(id: string): Promise<void> {
    await (await this.#database).delete('runs', id);
  }

  /** The connection, which is opened again where the browser has ended it. */
  get #database(): Promise<IDBPDatabase<Schema>> {
    if (this.#ended) {
      this.#ended = false;
      this.#connection = this.#opened();
      // The use reports it; the next one tries again.
      this.#connection.catch(() => (this.#ended = true));
    }
    return this.#connection;
  }

  #opened(): Promise<IDBPDatabase<Schema>> {
    return opened<Schema>(this.#name, {
      upgrade: (database) => void database.createObjectStore('runs', { keyPath: 'id' }),
      terminated: () => (this.#ended = true),
    });
  }
}

/** A record as it is written now: the models had other names before. */
function present(run: SavedRun): SavedRun {
  return run.config ? { ...run, config: renamed(run.config) } : run;
}

/** The runs that are not the current one, the latest first. */
function aside(runs: readonly SavedRun[]): SavedRun[] {
  return runs.filter((run) => run.id !== CURRENT).sort((a, b) => b.savedAt - a.savedAt);
}
