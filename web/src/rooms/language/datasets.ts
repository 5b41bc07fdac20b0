// The texts that language models train on: Tiny Shakespeare, which is downloaded once
// and when it is needed, or the visitor's own.

import { SessionError } from '../../client/client';
import type { DataSource, RunConfig } from '../../gen';
import type { DatasetChoice, NewRunData } from '../../run/dataset';

export const SHAKESPEARE = 'shakespeare';

/** The configuration with the name of its text. */
export function named(config: RunConfig, own: string | null): RunConfig {
  const { dataset } = config.data;
  const name = own === null ? SHAKESPEARE : dataset === SHAKESPEARE ? 'own text' : dataset;
  return { ...config, data: { ...config.data, dataset: name } };
}

export class TextDatasets implements DatasetChoice {
  #shakespeare: Promise<string> | null = null;

  /** The visitor's own text, or Tiny Shakespeare for `null`. */
  async text(own: string | null): Promise<string> {
    return own ?? this.shakespeare();
  }

  shakespeare(): Promise<string> {
    this.#shakespeare ??= fetchText('corpora/shakespeare.txt').catch((error: unknown) => {
      this.#shakespeare = null;
      throw error;
    });
    return this.#shakespeare;
  }

  async forNewRun(wanted: RunConfig, own: string | null): Promise<NewRunData> {
    return { config: named(wanted, own), source: await this.forSavedRun(own), own };
  }

  async forSavedRun(own: string | null): Promise<DataSource> {
    return source(await this.text(own));
  }

  attached(own: string | null): DataSource {
    return source(own ?? '');
  }

  ownForFile(own: string | null): string | null {
    return own;
  }

  untrainable(): string {
    return 'Its characters differ from those of the loaded text. Drop its training text here to continue training.';
  }

  substituted({ data }: RunConfig, got: RunConfig): string | null {
    if (data.dataset === got.data.dataset) return null;
    return `The text “${data.dataset}” is not available, so this run trains on Shakespeare.`;
  }
}

function source(text: string): DataSource {
  return { kind: 'text', name: 'the text', text };
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
