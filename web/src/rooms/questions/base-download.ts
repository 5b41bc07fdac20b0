// Downloads a base model part by part. A download that breaks off goes on from the last
// whole part, also after a reload; the digest of the whole decides.

import { SessionError } from '../../client/client';
import { bytes as shown } from '../../run/format';
import { type BaseStore, PART } from './base-store';
import type { SiteBase } from './site-bases';

export interface Downloaded {
  readonly file: Uint8Array<ArrayBuffer>;
  /** Whether the browser keeps it. */
  readonly kept: boolean;
}

/** The whole file, or a `SessionError` that says what to do. */
export async function downloadBase(
  url: URL,
  base: SiteBase,
  store: BaseStore,
  progress: (received: number) => void,
): Promise<Downloaded> {
  const file = new Uint8Array(base.bytes);
  const parts = new Parts(store, base.sha256);
  let received = await store.resume(base.sha256, file);
  parts.from(received);
  progress(received);
  if (received < base.bytes) {
    const { body, resumed } = await answer(url, received);
    // A server that sends the whole file again.
    if (!resumed) received = 0;
    const reader = body.getReader();
    for (;;) {
      const { done, value } = await reader.read().catch(() => {
        throw brokenOff(received, base.bytes, parts.whole);
      });
      if (done) break;
      if (received + value.length > base.bytes) {
        await reader.cancel();
        await store.drop(base.sha256);
        throw altered();
      }
      file.set(value, received);
      received += value.length;
      progress(received);
      await parts.have(file, received);
    }
    if (received < base.bytes) throw brokenOff(received, base.bytes, parts.whole);
  }
  const { bytesToHex, sha256 } = await import('../../run/sha256').catch(() => {
    throw failed('A part of the page could not be fetched.', 'Check the connection and try again.');
  });
  if (bytesToHex(sha256(file)) !== base.sha256) {
    await store.drop(base.sha256);
    throw altered();
  }
  return { file, kept: await parts.finish(base, file) };
}

/** Keeps whole parts as they come, as long as the browser lets it. */
class Parts {
  readonly #store: BaseStore;
  readonly #sha256: string;
  #next = 0;
  #possible = true;

  constructor(store: BaseStore, sha256: string) {
    this.#store = store;
    this.#sha256 = sha256;
  }

  /** So many bytes are kept already. */
  from(bytes: number): void {
    this.#next = Math.ceil(bytes / PART);
  }

  /** Bytes that a later attempt need not fetch. */
  get whole(): number {
    return this.#possible ? this.#next * PART : 0;
  }

  async have(file: Uint8Array<ArrayBuffer>, received: number): Promise<void> {
    while (this.#possible && (this.#next + 1) * PART <= received) await this.#put(file);
  }

  async finish(base: SiteBase, file: Uint8Array<ArrayBuffer>): Promise<boolean> {
    while (this.#possible && this.#next * PART < file.length) await this.#put(file);
    if (!this.#possible) return false;
    try {
      await this.#store.finish({ name: base.file, bytes: base.bytes, sha256: base.sha256 });
      return true;
    } catch {
      return false;
    }
  }

  async #put(file: Uint8Array<ArrayBuffer>): Promise<void> {
    const start = this.#next * PART;
    try {
      await this.#store.put(this.#sha256, this.#next, file.subarray(start, start + PART));
      this.#next += 1;
    } catch {
      // Full or forbidden: the model works without being kept, and a part of it is useless.
      this.#possible = false;
      await this.#store.drop(this.#sha256);
    }
  }
}

async function answer(
  url: URL,
  from: number,
): Promise<{ body: ReadableStream<Uint8Array>; resumed: boolean }> {
  let response: Response;
  try {
    response = await fetch(url, from > 0 ? { headers: { range: `bytes=${from}-` } } : {});
  } catch {
    throw failed('The server could not be reached.', 'Check the connection and try again.');
  }
  if (!response.ok || !response.body) {
    throw failed(`The server answered ${response.status}.`, 'Try again later, or choose a file.');
  }
  const range = response.headers.get('content-range') ?? '';
  return { body: response.body, resumed: response.status === 206 && range.includes(` ${from}-`) };
}

function brokenOff(received: number, total: number, whole: number): SessionError {
  const what = `The connection was interrupted after ${shown(received)} of ${shown(total)}.`;
  const hint =
    whole > 0
      ? `Try again: ${shown(Math.min(whole, received))} are already stored; only the rest is downloaded.`
      : 'Try again.';
  return failed(what, hint);
}

function altered(): SessionError {
  return failed(
    'The downloaded file is not the one in the site’s list (its digest differs), so it was refused.',
    'Try again later, or choose a file of your own.',
  );
}

function failed(message: string, hint: string): SessionError {
  return new SessionError({ kind: 'base', message, hint }, false);
}
