// The frozen bases of models: weights that a model uses and never trains, in a file of
// their own. Those that were used are kept in the browser, so that saved runs open.

import { type DBSchema, openDB } from 'idb';

import { readHeader } from './checkpoint';
import type { Shipped } from './manifest';

interface Schema extends DBSchema {
  files: { key: string; value: Uint8Array };
}

export class Bases {
  /** By digest, as checkpoints name them. */
  readonly #here = new Map<string, Uint8Array>();
  readonly #fetch: (shipped: Shipped) => Promise<Uint8Array | null>;
  readonly #name: string;

  /** `fetch`: the base of a pre-trained model; `null` where it has none. */
  constructor(fetch: (shipped: Shipped) => Promise<Uint8Array | null>, name = 'trm-bases') {
    this.#fetch = fetch;
    this.#name = name;
  }

  /** The base that a checkpoint names; `null` where it names none, or one that is not here. */
  async of(checkpoint: Uint8Array, shipped: Shipped | null): Promise<Uint8Array | null> {
    const named = readHeader(checkpoint)?.base;
    if (!named) return null;
    const { sha256 } = named;
    const found =
      this.#here.get(sha256) ??
      (shipped && (await this.#fetch(shipped))) ??
      (await this.#kept(sha256));
    if (found) this.#here.set(sha256, found);
    return found;
  }

  /** Keeps the base with which a checkpoint was loaded. */
  async keep(checkpoint: Uint8Array, base: Uint8Array): Promise<void> {
    const named = readHeader(checkpoint)?.base;
    if (!named) return;
    this.#here.set(named.sha256, base);
    try {
      const database = await this.#opened();
      if (!(await database.getKey('files', named.sha256))) {
        await database.put('files', base, named.sha256);
      }
      database.close();
    } catch {
      // Storage is full or forbidden: after a reload the file is asked for again.
    }
  }

  async #kept(sha256: string): Promise<Uint8Array | null> {
    try {
      const database = await this.#opened();
      const file = await database.get('files', sha256);
      database.close();
      return file ?? null;
    } catch {
      return null;
    }
  }

  #opened() {
    const upgrade = (database: { createObjectStore(name: 'files'): unknown }) =>
      void database.createObjectStore('files');
    return openDB<Schema>(this.#name, 1, { upgrade });
  }
}
