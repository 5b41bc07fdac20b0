// Four easy sample tasks in the format of ARC; the native program reads the same file.

import tasks from '../../../../assets/arc-sample.json';
import type { ArcTask } from '../../gen';
import { tasksText } from './arc';

export const SAMPLE: readonly ArcTask[] = Object.entries(tasks).map(([name, { train, test }]) => ({
  name,
  train,
  test,
}));

export const SAMPLE_TEXT: string = tasksText(SAMPLE);
