// The frozen bases of models: weights that a model uses and never trains, in a file of
// their own. Those that were used are kept in the browser, so that saved runs open.

import { readHeader } from './checkpoint';
import { withFiles } from './database';
import type { Shipped } from './manifest';

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
      (await this.#kept(sha256)) ??
      (shipped && (await this.#fetch(shipped)));
    if (found) this.#here.set(sha256, found);
    return found;
  }

  /** Keeps the base with which a checkpoint was loaded. */
  async keep(checkpoint: Uint8Array, base: Uint8Array): Promise<void> {
    const named = readHeader(checkpoint)?.base;
    if (!named) return;
    this.#here.set(named.sha256, base);
    // Where storage is full or forbidden, the file is asked for again after a reload.
    await withFiles(this.#name, async (database) => {
      if (await database.getKey('files', named.sha256)) return;
      await database.put('files', base, named.sha256);
    });
  }

  async #kept(sha256: string): Promise<Uint8Array | null> {
    return (await withFiles(this.#name, (database) => database.get('files', sha256))) ?? null;
  }
}
