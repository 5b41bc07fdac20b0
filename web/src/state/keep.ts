// Runs kept in the browser: the current one, and those that were set aside.

import { type DBSchema, type IDBPDatabase, openDB } from 'idb';

import type { History } from './run';

/** Everything needed to go on with a run. */
export interface KeptRun {
  readonly id: string;
  readonly preset: string;
  readonly dataset: string;
  /** The text, when it is the visitor's own. */
  readonly text: string | null;
  readonly step: number;
  /** Milliseconds since 1970. */
  readonly savedAt: number;
  readonly checkpoint: Uint8Array;
  readonly optimizer: Uint8Array | null;
  readonly history: History;
}

interface Schema extends DBSchema {
  runs: { key: string; value: KeptRun };
}

export const CURRENT = 'current';

/** Runs set aside beyond this many push out the oldest. */
const MOST_KEPT = 5;

export class Shelf {
  readonly #database: Promise<IDBPDatabase<Schema>>;

  constructor(name = 'trm-playground') {
    this.#database = openDB<Schema>(name, 1, {
      upgrade: (database) => {
        database.createObjectStore('runs', { keyPath: 'id' });
      },
    });
    // Each use reports its own failure; this one is only for the case of none.
    this.#database.catch(() => undefined);
  }

  async save(run: KeptRun): Promise<void> {
    await (await this.#database).put('runs', run);
  }

  async load(id: string): Promise<KeptRun | null> {
    return (await (await this.#database).get('runs', id)) ?? null;
  }

  /** Runs set aside, the latest first. */
  async kept(): Promise<KeptRun[]> {
    const all = await (await this.#database).getAll('runs');
    return all.filter((run) => run.id !== CURRENT).sort((a, b) => b.savedAt - a.savedAt);
  }

  /** Puts the current run on the shelf under a name of its own. */
  async setAside(): Promise<void> {
    const current = await this.load(CURRENT);
    if (!current || current.step === 0) return;
    await this.save({ ...current, id: `kept-${current.savedAt}` });
    await this.remove(CURRENT);
    for (const old of (await this.kept()).slice(MOST_KEPT)) await this.remove(old.id);
  }

  async remove(id: string): Promise<void> {
    await (await this.#database).delete('runs', id);
  }
}
