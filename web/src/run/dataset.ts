// What runs learn from: each family of models chooses its own data.

import type { DataSource, RunConfig, RunSummary } from '../gen';

/** The data of a new run. */
export interface NewRunData {
  /** The configuration, adapted to the data. */
  readonly config: RunConfig;
  readonly source: DataSource;
  /** The text or the tasks where they are the visitor's own, as they are saved with the run. */
  readonly own: string | null;
}

export interface DatasetChoice {
  /** `own`: the visitor's text or tasks; `null` for the data that `wanted` names. */
  forNewRun(wanted: RunConfig, own: string | null): Promise<NewRunData>;
  /** The data that a saved run is loaded with; `null`: it is attached before training. */
  forSavedRun(own: string | null): Promise<DataSource | null>;
  /** The data that is attached to a run before it is trained. */
  attached(own: string | null): DataSource;
  /** What a checkpoint file is loaded with, where the current run trains on `own`. */
  ownForFile(own: string | null): string | null;
  /** Why a loaded run cannot be trained, and what helps. */
  untrainable(summary: RunSummary): string;
  /** Says that a new run does not train on the data that was asked for; `null` if it does. */
  substituted(wanted: RunConfig, got: RunConfig): string | null;
}
