// What image models train on here: the handwritten digits, which are downloaded once.

import type { DataSource, RunConfig } from '../../gen';
import { Corpus } from '../../run/corpora';
import type { DatasetChoice, NewRunData } from '../../run/dataset';

const DIGITS = 'digits';

export class ImageDatasets implements DatasetChoice {
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
    return this.#source().catch(() => this.attached());
  }

  /** Nothing that this build carries: the model stays as it is. */
  attached(): DataSource {
    return { kind: 'named' };
  }

  ownForFile(): null {
    return null;
  }

  untrainable(): string {
    return 'Its images are not part of this page: it classifies drawings and pictures, but it cannot be trained or measured here.';
  }

  substituted(): null {
    return null;
  }

  async #source(): Promise<DataSource> {
    return { kind: 'text', name: DIGITS, text: await this.#digits.text() };
  }
}
