// The base model: where it can be had, whether the browser keeps it, and whether it is open.

import { type SessionClient, SessionError } from '../../client/client';
import type { BaseSummary, Memory } from '../../gen';
import { tooLargeFor } from '../../run/limits';
import { downloadBase } from './base-download';
import { BaseStore, type KeptBase } from './base-store';
import { besidePage, LARGEST, siteBase, type SiteBase } from './site-bases';

/** What the page does with the base at the moment. */
export type Busy =
  | { readonly kind: 'fetching'; readonly received: number; readonly total: number }
  | { readonly kind: 'reading' | 'opening' | 'keeping' };

/** What the browser says of keeping it. */
export const NOT_KEPT = [
  'The base model is open, but the browser could not keep it: its storage is full or forbidden.',
  'It works until this tab is closed; then it must be fetched again.',
] as const;

export class Base {
  /** The site's own; `undefined` while it is looked for. */
  site = $state.raw<SiteBase | null | undefined>(undefined);
  kept = $state.raw<KeptBase | null>(null);
  open = $state.raw<BaseSummary | null>(null);
  busy = $state.raw<Busy | null>(null);
  /** Memory of the engine with the base in it. */
  memory = $state.raw<Memory | null>(null);

  /** Called when the engine lets go of the base, and so of the model on it. */
  closed: () => void = () => undefined;

  readonly #store: BaseStore;

  constructor(store = new BaseStore()) {
    this.#store = store;
  }

  async look(): Promise<void> {
    [this.kept, this.site] = await Promise.all([this.#store.kept(), siteBase(document.baseURI)]);
  }

  /** Fetches the site's base and opens it; whether the browser keeps it. */
  async fetch(client: SessionClient): Promise<boolean> {
    const { site } = this;
    if (!site) return false;
    return this.#while({ kind: 'fetching', received: 0, total: site.bytes }, async () => {
      const url = besidePage(document.baseURI, `${site.file}?${site.sha256.slice(0, 16)}`);
      const { file, kept } = await downloadBase(url, site, this.#store, (received) => {
        this.busy = { kind: 'fetching', received, total: site.bytes };
      });
      await this.#open(client, site.file, file);
      this.kept = await this.#store.kept();
      return kept;
    });
  }

  /** Opens the one that is kept. */
  async reopen(client: SessionClient): Promise<void> {
    const { kept } = this;
    if (!kept) return;
    await this.#while({ kind: 'reading' }, async () => {
      const file = await this.#store.read(kept).catch(() => {
        throw unreadable();
      });
      if (!file) {
        await this.#store.drop(kept.sha256);
        this.kept = null;
        throw new SessionError(
          {
            kind: 'base',
            message: 'A part of the kept base model is missing.',
            hint: 'Get it again.',
          },
          false,
        );
      }
      await this.#open(client, kept.name, file);
    });
  }

  /** Opens a file of the visitor's and keeps it; whether the browser does. */
  async take(client: SessionClient, file: File): Promise<boolean> {
    return this.#while({ kind: 'reading' }, async () => {
      const bytes = await bytesOf(file, file.name);
      const { sha256 } = await this.#open(client, file.name, bytes);
      this.busy = { kind: 'keeping' };
      try {
        await this.#store.keep({ name: file.name, bytes: file.size, sha256 }, file);
        this.kept = await this.#store.kept();
        return true;
      } catch {
        this.kept = await this.#store.kept();
        return false;
      }
    });
  }

  /** Removes it from the browser; it stays open until the page is closed. */
  async forget(): Promise<boolean> {
    const gone = await this.#store.forget();
    this.kept = await this.#store.kept();
    return gone;
  }

  /** The engine has none any more. */
  lost(): void {
    [this.open, this.memory] = [null, null];
    this.closed();
  }

  async #open(
    client: SessionClient,
    name: string,
    bytes: Uint8Array<ArrayBuffer>,
  ): Promise<BaseSummary> {
    this.busy = { kind: 'opening' };
    // The engine lets go of the one before.
    this.lost();
    const { base } = await client.ask({ type: 'open_base', name, bytes }, 'base_open', [
      bytes.buffer,
    ]);
    this.open = base;
    const { memory } = await client.ask({ type: 'measure_memory' }, 'memory');
    this.memory = memory;
    return base;
  }

  async #while<T>(busy: Busy, work: () => Promise<T>): Promise<T> {
    this.busy = busy;
    try {
      return await work();
    } finally {
      this.busy = null;
    }
  }
}

/** The bytes of a file, or of a part of it. Throws where a tab cannot hold or the browser not read it. */
export async function bytesOf(file: Blob, name: string): Promise<Uint8Array<ArrayBuffer>> {
  if (file.size > LARGEST) throw tooLarge(name, file.size);
  try {
    return new Uint8Array(await file.arrayBuffer());
  } catch {
    const message = `The browser cannot read the file “${name}”.`;
    const hint = 'It may have been moved or changed: choose it again.';
    throw new SessionError({ kind: 'base', message, hint }, false);
  }
}

function unreadable(): SessionError {
  const message = 'The kept base model could not be read.';
  const hint = 'It is still kept: close other tabs and try again.';
  return new SessionError({ kind: 'base', message, hint }, false);
}

function tooLarge(name: string, size: number): SessionError {
  const message = tooLargeFor({ name, size }, LARGEST);
  const hint = 'Choose a GGUF file in fewer bits (Q4 or Q8), or use trm-native.';
  return new SessionError({ kind: 'base', message, hint }, false);
}
