// What puzzle models train on: puzzles that the worker generates, or ARC tasks.

import type { DataSource, RunConfig, RunSummary } from '../../gen';
import type { DatasetChoice, NewRunData } from '../../run/dataset';
import { SAMPLE_TEXT } from './arc-sample';
import { ARC } from './kinds';

export class PuzzleDatasets implements DatasetChoice {
  forNewRun(wanted: RunConfig, own: string | null): Promise<NewRunData> {
    if (wanted.data.dataset !== ARC.name) {
      return Promise.resolve({ config: wanted, source: { kind: 'named' }, own });
    }
    const tasks = own ?? SAMPLE_TEXT;
    return Promise.resolve({ config: unfilled(wanted), source: arcTasks(tasks), own: tasks });
  }

  /** Thousands of puzzles take longer to make than one takes to solve. */
  forSavedRun(): Promise<null> {
    return Promise.resolve(null);
  }

  attached(own: string | null): DataSource {
    return own === null ? { kind: 'named' } : arcTasks(own);
  }

  /** A puzzle model may have been trained on any tasks. */
  ownForFile(): null {
    return null;
  }

  untrainable({ vocab }: RunSummary): string {
    return vocab.kind === 'arc'
      ? 'Load the JSON file with its tasks to get answers or to continue training.'
      : 'Its training puzzles cannot be generated here: it solves puzzles, but its training cannot continue.';
  }

  substituted(): null {
    return null;
  }
}

/** An embedding table that grows with the new tasks, not with those of an earlier run. */
function unfilled(config: RunConfig): RunConfig {
  const { model } = config;
  if (!('num_puzzle_identifiers' in model)) return config;
  return { ...config, model: { ...model, num_puzzle_identifiers: 1 } };
}

/** ARC tasks that each have their name in the text. */
function arcTasks(text: string): DataSource {
  return { kind: 'arc_tasks', name: 'tasks', text };
}
