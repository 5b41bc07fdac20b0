// The built-in text, fetched once when it is needed.

import { SessionError } from '../client/client';
import type { RunConfig } from '../gen';

export const SHAKESPEARE = 'shakespeare';

/** The configuration with the name of its text. */
export function named(config: RunConfig, own: string | null): RunConfig {
  const { dataset } = config.data;
  const name = own === null ? SHAKESPEARE : dataset === SHAKESPEARE ? 'own text' : dataset;
  return { ...config, data: { ...config.data, dataset: name } };
}

export class Corpora {
  #shakespeare: Promise<string> | null = null;

  shakespeare(): Promise<string> {
    this.#shakespeare ??= fetchText('corpora/shakespeare.txt').catch((error: unknown) => {
      this.#shakespeare = null;
      throw error;
    });
    return this.#shakespeare;
  }
}

async function fetchText(path: string): Promise<string> {
  const failure = (message: string) =>
    new SessionError(
      {
        kind: 'corpus',
        message,
        hint: 'Check the connection and reload, or paste your own text.',
      },
      false,
    );
  let response: Response;
  try {
    response = await fetch(new URL(path, document.baseURI));
  } catch {
    throw failure('Tiny Shakespeare could not be downloaded.');
  }
  if (!response.ok) throw failure(`Tiny Shakespeare could not be downloaded (${response.status}).`);
  return response.text();
}
