// The texts that language models train on: Tiny Shakespeare, which is downloaded once
// and when it is needed, or the visitor's own.

import type { SessionError } from '../../client/client';
import type { DataSource, RunConfig } from '../../gen';
import { Corpus, dispensable } from '../../run/corpora';
import type { DatasetChoice, NewRunData } from '../../run/dataset';

export const SHAKESPEARE = 'shakespeare';

/** The configuration with the name of its text. */
export function named(config: RunConfig, own: string | null): RunConfig {
  const { dataset } = config.data;
  const name = own === null ? SHAKESPEARE : dataset === SHAKESPEARE ? 'own text' : dataset;
  return { ...config, data: { ...config.data, dataset: name } };
}

export class TextDatasets implements DatasetChoice {
  /** Called where a run is loaded without its text, with the reason. */
  missing: (error: SessionError) => void = () => undefined;

  readonly #shakespeare = new Corpus(
    'shakespeare.txt',
    'Tiny Shakespeare',
    ', or paste your own text',
  );

  /** The visitor's own text, or Tiny Shakespeare for `null`. */
  async text(own: string | null): Promise<string> {
    return own ?? this.shakespeare();
  }

  shakespeare(): Promise<string> {
    return this.#shakespeare.text();
  }

  async forNewRun(wanted: RunConfig, own: string | null): Promise<NewRunData> {
    return { config: named(wanted, own), source: source(await this.text(own)), own };
  }

  /** A model works without its text: it then writes, and cannot be trained. */
  forSavedRun(own: string | null): Promise<DataSource> {
    return dispensable(this.text(own).then(source), this.missing);
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
