// The current run: created from a preset, loaded from a file, opened from the models of
// the page or restored from what the browser saved; then given data and new settings.

import { SessionError } from '../client/client';
import type { Family, RunConfig, RunSummary } from '../gen';
import type { Bases } from './bases';
import { variantOf } from './checkpoint';
import type { DatasetChoice } from './dataset';
import { loadedHint } from './further';
import { handOver } from './handover';
import type { Machine } from './machine.svelte';
import type { Shipped } from './manifest';
import type { Notices } from './notices.svelte';
import { preset, presetFor, presetOfKind } from './presets';
import type { SavedRun } from './saved-runs';
import { type Patch, patched, same, unfitting } from './settings';
import type { History } from './state';
import type { Training } from './training.svelte';
import { WorkerRun } from './worker-run';
import { WrongPage } from './wrong-page';

/** What the current run needs of the page. */
export interface CurrentRunContext {
  readonly family: Family;
  readonly datasets: DatasetChoice;
  readonly machine: Machine;
  readonly run: Training;
  readonly notices: Notices;
  readonly bases: Bases;
  /** The preset to begin with where nothing else can be had. */
  readonly standard: string;
  /** Updates the address. */
  readonly remember: () => void;
  /** Another run is current. `from`: the record that it was restored from. */
  readonly began: (summary: RunSummary, from: SavedRun | null) => void;
  /** Settings changed; what is saved must agree with the address. */
  readonly configured: () => Promise<unknown>;
}

/** Opens with a frozen base what was refused without. */
type Reopen = (base: Uint8Array) => Promise<void>;

export class CurrentRun {
  preset = $state('');
  /** The model of the page that the run continues. */
  origin = $state.raw<Shipped | null>(null);
  /** What its checkpoint file was called, where it came as one. */
  named = $state<string | null>(null);
  /** Whether its data are being made. */
  attaching = $state(false);

  readonly #page: CurrentRunContext;
  readonly #workerRun: WorkerRun;
  #attachable = $state(false);
  /** The step of a model that has just been opened and can be opened again. */
  #opened = $state<number | null>(null);
  /** What was to be loaded last, if its frozen base is still missing. */
  #waiting: Reopen | null = null;

  constructor(page: CurrentRunContext, preset: string) {
    this.#page = page;
    this.#workerRun = new WorkerRun(page.family, page.datasets);
    page.machine.cores.sources = () => this.#workerRun.sources;
    this.preset = preset;
  }

  /** Whether the model is as it came with the page: nothing would be lost with it. */
  get untouched(): boolean {
    return this.#opened !== null && this.#opened === this.#page.run.state.step;
  }

  /** The visitor's own text or tasks, where the run trains on them. */
  get own(): string | null {
    return this.#workerRun.own;
  }

  /** Whether the run can be trained, or could be once its data are attached. */
  get trainable(): boolean {
    return this.#page.run.state.summary?.trainable || this.#attachable;
  }

  /** Begins a new run. */
  async create(wanted: RunConfig, own: string | null, name = this.preset): Promise<void> {
    const { machine, notices, datasets } = this.#page;
    const summary = await this.#workerRun.create(machine.client, wanted, own);
    this.preset = name;
    this.#began(summary, null, null);
    const substituted = datasets.substituted(wanted, summary.config);
    if (substituted && own === null) {
      notices.tell('bad', substituted, 'Paste or drop that text to train on it.');
    }
  }

  /** Loads a checkpoint from a file, or the frozen base of the one before. */
  async load(bytes: Uint8Array, name: string | null = null): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = null;
    try {
      if (waiting) return await waiting(bytes);
    } catch (error) {
      if (!isBaseless(error) || !variantOf(bytes)) throw error;
      // It was no base, but another checkpoint.
      this.#waiting = null;
    }
    await this.#load(bytes, await this.#page.bases.of(bytes, null), name);
  }

  async #load(bytes: Uint8Array, base: Uint8Array | null, name: string | null): Promise<void> {
    const { notices, datasets } = this.#page;
    const files = { checkpoint: bytes, optimizer: null, text: datasets.ownForFile(this.own) };
    const again = (base: Uint8Array) => this.#load(bytes, base, name);
    const summary = await this.#loaded(files, base, again).catch(async (error: unknown) => {
      // The page that it belongs to can take the file from there; where it cannot be stored,
      // that page tells that it did not arrive.
      if (error instanceof WrongPage) await handOver(bytes);
      if (name !== null && isUnreadable(error)) throw withName(error, name);
      throw error;
    });
    this.preset = presetOfKind(summary.config.data.dataset) ?? this.preset;
    this.#began(summary, null, null, name);
    const hint = loadedHint(summary, (each) => datasets.untrainable(each));
    notices.tell('good', `Checkpoint loaded at step ${summary.step}.`, hint);
  }

  /** Opens a pre-trained model. */
  async open(shipped: Shipped, bytes: Uint8Array, live: Patch = {}): Promise<void> {
    const { notices, standard, bases } = this.#page;
    const base = await bases.of(bytes, shipped);
    const summary = await this.#loaded({ checkpoint: bytes, optimizer: null, text: null }, base);
    // The preset of a new run with the same settings.
    this.preset = preset(shipped.name) ? shipped.name : standard;
    this.#began(summary, null, shipped);
    try {
      await this.configureFromAddress(live);
    } catch (error) {
      if (!(error instanceof SessionError) || error.severe) throw error;
      // The model can be used without the settings of the address.
      notices.tell('bad', error.failure.message, error.failure.hint);
    }
  }

  /** Goes on with a saved run. `origin`: the model of the page that it continues. */
  async restore(
    saved: SavedRun,
    origin: Shipped | null,
    given: Uint8Array | null = null,
  ): Promise<void> {
    const base = given ?? (await this.#page.bases.of(saved.checkpoint, origin));
    const again = (base: Uint8Array) => this.restore(saved, origin, base);
    const summary = await this.#loaded(saved, base, again);
    this.preset = saved.preset;
    this.#began(summary, saved, origin, saved.named ?? null);
  }

  /** Loads a run with its base. `again`: the same once that is given, where it is missing. */
  async #loaded(
    files: Pick<SavedRun, 'checkpoint' | 'optimizer' | 'text'>,
    base: Uint8Array | null,
    again: Reopen | null = null,
  ): Promise<RunSummary> {
    const { machine, bases } = this.#page;
    const { checkpoint, optimizer, text } = files;
    try {
      const { client } = machine;
      const summary = await this.#workerRun.load(client, checkpoint, optimizer, text, base);
      // Until now it may have been in memory only.
      if (base) void bases.keep(checkpoint, base);
      return summary;
    } catch (error) {
      if (!again || !isBaseless(error)) throw error;
      this.#waiting = again;
      throw withBaseHint(error);
    }
  }

  #began(
    summary: RunSummary,
    from: SavedRun | null,
    origin: Shipped | null,
    named: string | null = null,
  ): void {
    const { run, began, remember } = this.#page;
    const history: History | null = from?.history ?? null;
    this.origin = origin;
    this.named = named;
    this.preset = presetFor(summary.config, this.preset);
    this.#opened = origin && !history ? summary.step : null;
    this.#attachable = this.#workerRun.attachable;
    run.begin(summary, this.own, history, this.#opened !== null);
    began(summary, from);
    remember();
  }

  /** Attaches the data of a run that was loaded without. `own`: ARC tasks. */
  async attach(own: string | null = null): Promise<void> {
    const { machine, run, notices, datasets } = this.#page;
    const before = run.state.summary;
    if (!before || !this.#attachable) return;
    this.attaching = true;
    this.#attachable = false;
    try {
      const made = await this.#workerRun.attach(machine.client, own);
      if (made) run.change(made);
    } catch (error) {
      const refused = error instanceof SessionError && error.failure.kind === 'data';
      if (!refused || own !== null) throw error;
      // The model can still be used.
      notices.tell('bad', 'This model cannot be trained here.', datasets.untrainable(before));
    } finally {
      this.attaching = false;
      this.#attachable = this.#workerRun.attachable;
    }
  }

  /** Changes the settings that an address names; those that the model lacks are reported. */
  async configureFromAddress(live: Patch): Promise<void> {
    const { run, notices } = this.#page;
    const config = run.state.summary?.config;
    if (!config) return;
    const strange = unfitting(config, live);
    const model = this.origin?.name ?? this.preset;
    notices.complain(strange.map((key) => `The model of “${model}” has no setting ${key}.`));
    const own = Object.entries(live).filter(([key]) => !strange.includes(key));
    await this.configure(Object.fromEntries(own));
  }

  /** Changes settings that need no restart; an empty patch changes nothing. */
  async configure(patch: Patch): Promise<void> {
    const { machine, run, remember, configured } = this.#page;
    const now = run.state.summary?.config;
    const config = now && patched(now, patch);
    if (!config || same(now, config)) return;
    const command = { type: 'configure', config } as const;
    const { summary } = await machine.client.ask(command, 'ready').catch((error: unknown) => {
      // Settings that are refused end the group as well.
      machine.cores.onSettingsChanged();
      throw error;
    });
    run.change(summary);
    remember();
    // The address and what is saved must agree, or a reload would start over.
    await configured();
  }

  /** The run as it is saved in the browser. */
  snapshot(): Promise<SavedRun> {
    const { machine, run } = this.#page;
    const named = this.named ?? undefined;
    const from = { preset: this.preset, origin: this.origin?.name, named };
    return this.#workerRun.snapshot(machine.client, from, run.state);
  }

  /** The model as a file. */
  file(): Promise<Uint8Array> {
    return this.#workerRun.exported(this.#page.machine.client);
  }
}

/** Whether a checkpoint was refused because its frozen base is missing or another one. */
function isBaseless(error: unknown): error is SessionError {
  return error instanceof SessionError && error.failure.kind === 'base';
}

/** Whether a file was refused because it is no checkpoint, or a damaged one. */
function isUnreadable(error: unknown): error is SessionError {
  return error instanceof SessionError && !error.severe && error.failure.kind === 'checkpoint';
}

/** The failure with the name of the file, which the engine does not know. */
function withName({ failure: { kind, message, hint } }: SessionError, name: string): SessionError {
  return new SessionError({ kind, message: `“${name}.safetensors”: ${message}`, hint }, false);
}

/** The failure with what helps here. */
function withBaseHint({ failure: { kind, message } }: SessionError): SessionError {
  const hint = 'Drop or load that file too; the checkpoint is then opened with it.';
  return new SessionError({ kind, message, hint }, false);
}
