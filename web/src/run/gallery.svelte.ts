// The pre-trained models: the list is fetched at once, each file once when it is needed.

import { SessionError } from '../client/client';
import { type Family, familyOf } from '../gen';
import { type Manifest, readManifest, type Shipped } from './manifest';
import { sentence } from './format';
import { beside, download, whole } from './download';

/** State of a download. */
export type Fetching =
  | { readonly state: 'coming'; readonly received: number }
  | { readonly state: 'failed'; readonly message: string; readonly hint: string };

/** Whether the list of models has been read. */
export type ListState = 'coming' | 'here' | 'none' | 'unread';

/** How long the page waits for the list before it goes on without, in milliseconds. */
const PATIENCE = 10_000;

export class Gallery {
  /** Those of this page's family. */
  shown = $state.raw<readonly Shipped[]>([]);
  /** State of the list; a page may have none. */
  list = $state<ListState>('coming');
  fetching = $state.raw<Readonly<Record<string, Fetching>>>({});

  /** The list; `null` where there is none that can be read. */
  readonly manifest: Promise<Manifest | null>;

  readonly #base: string;
  readonly #family: Family;
  #here: Readonly<Record<string, Promise<Uint8Array>>> = {};
  /** The model that nobody waits for any more. */
  #left: string | null = null;

  /** `base`: the address that the folder `checkpoints` lies beside. */
  constructor(base: string, family: Family) {
    this.#base = base;
    this.#family = family;
    this.manifest = this.#list();
  }

  async find(name: string): Promise<Shipped | null> {
    return (await this.manifest)?.checkpoints.find((each) => each.name === name) ?? null;
  }

  /** The model that the list says to open with, if it belongs to this page. */
  async first(): Promise<Shipped | null> {
    const name = (await this.manifest)?.first.name;
    return this.shown.find((each) => each.name === name) ?? null;
  }

  /** The file of a model. Throws a `SessionError` if the download or the digest check fails. */
  bring(shipped: Shipped): Promise<Uint8Array> {
    const { name } = shipped;
    if (this.#left === name) this.#left = null;
    const here = this.#here[name];
    if (here) return here;
    const coming = this.#fetch(shipped);
    this.#here = { ...this.#here, [name]: coming };
    // A failed download may be repeated.
    coming.catch(() => (this.#here = without(this.#here, name)));
    return coming;
  }

  /** Stops reporting the download of a model, until the model is asked for again. */
  leave({ name }: Shipped): void {
    this.#left = name;
    this.#say(name, null);
  }

  /** The frozen base of a model; `null` where it needs none. */
  async base({ base }: Shipped): Promise<Uint8Array | null> {
    if (base === undefined) return null;
    const listed = (await this.manifest)?.checkpoints.find(({ file }) => file === base);
    return listed ? this.bring(listed) : whole(beside(this.#base, base));
  }

  async #list(): Promise<Manifest | null> {
    try {
      const response = await fetch(beside(this.#base, 'manifest.json'), {
        signal: AbortSignal.timeout(PATIENCE),
      });
      if (response.status === 404) this.list = 'none';
      if (!response.ok) throw new Error(`the server answered ${response.status}`);
      const manifest = readManifest(await response.json());
      this.shown = manifest.checkpoints.filter(
        ({ config }) => familyOf(config.model) === this.#family,
      );
      this.list = 'here';
      return manifest;
    } catch (error) {
      // Nobody asked for it, and the page works without: said where the models would be.
      if (this.list === 'coming') this.list = 'unread';
      const why = error instanceof Error ? error.message : String(error);
      console.info(`This page has no pre-trained models (checkpoints/manifest.json): ${why}`);
      return null;
    }
  }

  async #fetch(shipped: Shipped): Promise<Uint8Array> {
    const { name, file, sha256 } = shipped;
    // Another file under the same name is another address, also for caches.
    const url = beside(this.#base, `${file}?${sha256.slice(0, 16)}`);
    this.#say(name, { state: 'coming', received: 0 });
    try {
      const bytes = await download(url, shipped, (received) =>
        this.#say(name, { state: 'coming', received }),
      );
      this.#say(name, null);
      return bytes;
    } catch (error) {
      const { message, hint } =
        error instanceof SessionError
          ? error.failure
          : { message: String(error), hint: 'Reload the page.' };
      this.#say(name, { state: 'failed', message: sentence(message), hint });
      throw error;
    }
  }

  #say(name: string, fetching: Fetching | null): void {
    const others = without(this.fetching, name);
    this.fetching = fetching && this.#left !== name ? { ...others, [name]: fetching } : others;
  }
}

function without<T>(record: Readonly<Record<string, T>>, name: string): Record<string, T> {
  return Object.fromEntries(Object.entries(record).filter(([key]) => key !== name));
}
