// What image models train on here: the handwritten digits, which are downloaded once.

import type { SessionError } from '../../client/client';
import type { DataSource, RunConfig } from '../../gen';
import { Corpus, dispensable } from '../../run/corpora';
import type { DatasetChoice, NewRunData } from '../../run/dataset';

const DIGITS = 'digits';

export class ImageDatasets implements DatasetChoice {
  /** Called where a run is loaded without its images, with the reason. */
  missing: (error: SessionError) => void = () => undefined;

  /** Why the digits are not here; empty where they are. */
  #failed = '';
  readonly #digits = new Corpus('digits.csv', 'The handwritten digits', '');

  constructor() {
    // Beside the engine, which takes longer. Who needs them is told of a failure.
    void this.#digits.text().catch(() => undefined);
  }

  async forNewRun(wanted: RunConfig): Promise<NewRunData> {
    return { config: wanted, source: await this.#source(), own: null };
  }

  /** A model works without its images: it then classifies drawings and pictures. */
  forSavedRun(): Promise<DataSource> {
    this.#failed = '';
    return dispensable(this.#source(), (error) => {
      this.#failed = `${error.failure.message} ${error.failure.hint}`;
      this.missing(error);
    });
  }

  /** Nothing that this build carries: the model stays as it is. */
  attached(): DataSource {
    return { kind: 'named' };
  }

  ownForFile(): null {
    return null;
  }

  untrainable(): string {
    return (
      this.#failed ||
      'Its images are not part of this page: it classifies drawings and pictures, but it cannot be trained or measured here.'
    );
  }

  substituted(): null {
    return null;
  }

  async #source(): Promise<DataSource> {
    return { kind: 'text', name: DIGITS, text: await this.#digits.text() };
  }
}
