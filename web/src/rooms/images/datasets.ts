// What image models train on here: the images that the module holds.

import type { DataSource, RunConfig } from '../../gen';
import type { DatasetChoice, NewRunData } from '../../run/dataset';

const NAMED: DataSource = { kind: 'named' };

export class ImageDatasets implements DatasetChoice {
  forNewRun(wanted: RunConfig): Promise<NewRunData> {
    return Promise.resolve({ config: wanted, source: NAMED, own: null });
  }

  forSavedRun(): Promise<DataSource> {
    return Promise.resolve(NAMED);
  }

  attached(): DataSource {
    return NAMED;
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
}
