// The current run in the worker, with its data: created, loaded and saved.

import { type SessionClient, SessionError } from '../client/client';
import { type Family, type DataSource, modelOf, type RunConfig } from '../gen';
import type { RunSummary, Saved, Variant } from '../gen';
import { variantOf } from './checkpoint';
import type { DatasetChoice } from './dataset';
import type { Sources } from './group';
import { CURRENT, type SavedRun } from './saved-runs';
import type { RunState } from './state';
import { PretrainedDecoder, WrongPage } from './wrong-page';

export class WorkerRun {
  /** The text, or the ARC tasks as JSON, where they are the visitor's own. */
  own: string | null = null;

  readonly #family: Family;
  readonly #datasets: DatasetChoice;
  /** Whether the run was loaded without its data. */
  #detached = false;
  #data: DataSource | null = null;
  #base: Uint8Array | null = null;

  constructor(family: Family, datasets: DatasetChoice) {
    this.#family = family;
    this.#datasets = datasets;
  }

  async create(client: SessionClient, wanted: RunConfig, own: string | null): Promise<RunSummary> {
    this.#admit(wanted.model.variant, 'preset is for');
    const data = await this.#datasets.forNewRun(wanted, own);
    const command = { type: 'create', config: data.config, data: data.source } as const;
    const { summary } = await client.ask(command, 'ready');
    this.#detached = false;
    [this.#data, this.#base] = [data.source, null];
    this.own = data.own;
    return summary;
  }

  async load(
    client: SessionClient,
    checkpoint: Uint8Array,
    optimizer: Uint8Array | null,
    own: string | null,
    base: Uint8Array | null = null,
  ): Promise<RunSummary> {
    const variant = variantOf(checkpoint);
    // The worker refuses a file that does not say which model it holds.
    if (variant) this.#admit(variant);
    const source = await this.#datasets.forSavedRun(own);
    const files = { checkpoint, optimizer, base };
    const summary = source ? await load(client, files, source) : await loadDetached(client, files);
    this.#detached = source === null;
    [this.#data, this.#base] = [summary.trainable ? source : null, base];
    this.own = own;
    return summary;
  }

  /** What a copy of the run needs beside its saved state; `null` where it has no data. */
  get sources(): Sources | null {
    return this.#data && { data: this.#data, base: this.#base };
  }

  /** Whether the run was loaded without its data, and they can be attached. */
  get attachable(): boolean {
    return this.#detached;
  }

  /**
   * Gives a run that was loaded without data what it trains on. Many puzzles take a
   * while to generate. `own`: ARC tasks; tasks that it does not know are refused.
   */
  async attach(client: SessionClient, own: string | null = null): Promise<RunSummary | null> {
    if (!this.#detached) return null;
    // Other tasks can be tried after these; what the configuration names stays the same.
    if (own === null) this.#detached = false;
    const data = this.#datasets.attached(own);
    const { summary } = await client.ask({ type: 'attach', data }, 'ready');
    this.#detached = false;
    this.#data = data;
    this.own = own ?? this.own;
    return summary;
  }

  /** Refuses a model of another family before anything is given up for it. */
  #admit(variant: Variant, given?: string): void {
    const { family, pretrained } = modelOf(variant) ?? {};
    if (pretrained) throw new PretrainedDecoder(variant);
    if (family && family !== this.#family) throw new WrongPage(family, given);
  }

  async save(client: SessionClient): Promise<Saved> {
    return (await client.ask({ type: 'save' }, 'saved')).saved;
  }

  /** The weights that the page shows the answers and scores of, as a file. */
  async exported(client: SessionClient): Promise<Uint8Array> {
    return (await client.ask({ type: 'export' }, 'exported')).checkpoint;
  }

  /** The run with all that is needed to continue it another day. */
  async snapshot(
    client: SessionClient,
    from: Pick<SavedRun, 'preset' | 'origin' | 'named'>,
    state: RunState,
  ): Promise<SavedRun> {
    const saved = await this.save(client);
    const { summary, training, validation, elapsed, changes, judged, scored } = state;
    return {
      id: CURRENT,
      ...from,
      dataset: summary?.config.data.dataset ?? '',
      text: this.own,
      step: saved.step,
      savedAt: Date.now(),
      checkpoint: saved.checkpoint,
      optimizer: saved.optimizer,
      history: { training, validation, elapsed, changes, judged, scored },
      config: summary?.config,
    };
  }
}

/** The files of a run. */
interface RunFiles {
  readonly checkpoint: Uint8Array;
  readonly optimizer: Uint8Array | null;
  /** The frozen base that the checkpoint names. */
  readonly base: Uint8Array | null;
}

async function loadDetached(client: SessionClient, files: RunFiles): Promise<RunSummary> {
  return (await client.ask({ type: 'load', ...files, data: null }, 'ready')).summary;
}

/** Loads a checkpoint. A model that was trained on other data can still be asked. */
async function load(client: SessionClient, files: RunFiles, data: DataSource): Promise<RunSummary> {
  try {
    return (await client.ask({ type: 'load', ...files, data }, 'ready')).summary;
  } catch (error) {
    if (!(error instanceof SessionError) || error.failure.kind !== 'data') throw error;
    return loadDetached(client, files);
  }
}
