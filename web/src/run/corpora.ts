// Data that the site holds as files of their own: downloaded when they are needed, and once.

import { SessionError } from '../client/client';
import type { DataSource } from '../gen';

/** Data that a model can do without: where they do not come, `missing` is told why. */
export async function dispensable(
  data: Promise<DataSource>,
  missing: (error: SessionError) => void,
): Promise<DataSource> {
  try {
    return await data;
  } catch (error) {
    if (!(error instanceof SessionError)) throw error;
    missing(error);
    return { kind: 'named' };
  }
}

export class Corpus {
  #text: Promise<string> | null = null;

  /** `title`: what messages call it. `instead`: what can be done without it. */
  constructor(
    private readonly file: string,
    private readonly title: string,
    private readonly instead: string,
  ) {}

  /** Its content; after a failure the next call tries again. */
  text(): Promise<string> {
    this.#text ??= this.#fetch().catch((error: unknown) => {
      this.#text = null;
      throw error;
    });
    return this.#text;
  }

  async #fetch(): Promise<string> {
    let response: Response;
    try {
      response = await fetch(new URL(`corpora/${this.file}`, document.baseURI));
      // Here, because a download that breaks off fails as one that does not begin.
      if (response.ok) return await response.text();
    } catch {
      throw this.#failure('');
    }
    throw this.#failure(` (${response.status})`);
  }

  #failure(status: string): SessionError {
    const message = `${this.title} could not be downloaded${status}.`;
    const hint = `Check the connection and reload${this.instead}.`;
    return new SessionError({ kind: 'data', message, hint }, false);
  }
}
