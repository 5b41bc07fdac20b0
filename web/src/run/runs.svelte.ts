// Creates, opens, saves and restores runs: from a preset, from the browser's storage, from
// a file or from the pre-trained models. A run is saved before another one replaces it.

import { SessionError } from '../client/client';
import type { RunConfig, RunSummary } from '../gen';
import { asideId, type SavedRun, type SavedRuns, sizeOf } from './saved-runs';
import type { Shipped } from './manifest';
import type { Arrival } from './past-runs';
import { handOver, takeOver } from './handover';
import { preset, presetOfKind, titleOf } from './presets';
import type { History } from './state';
import { type Patch, patched, same } from './settings';
import type { RunAddress } from './url';
import type { Family } from './models';
import { WrongPage } from './wrong-page';
import { claim, ELSEWHERE } from './tab-lock';
import type { Gallery } from './gallery.svelte';
import { RunSaver } from './saver';
import type { Machine } from './machine.svelte';
import type { Notices } from './notices.svelte';
import type { PastRuns } from './past.svelte';
import { Room } from './storage.svelte';
import { loadedHint, substituted, WorkerRun } from './worker-run';
import type { Training } from './training.svelte';

const SAVE_EVERY = 20_000;

/** The services that runs need. */
export interface RunsContext {
  readonly family: Family;
  readonly machine: Machine;
  readonly run: Training;
  readonly gallery: Gallery;
  readonly notices: Notices;
  readonly past: PastRuns;
  readonly store: SavedRuns;
  /** The preset to begin with where nothing else can be had. */
  readonly standard: string;
  /** Updates the address. */
  readonly remember: () => void;
}

export class Runs {
  /** Earlier saved runs, the latest first. */
  kept = $state.raw<readonly SavedRun[]>([]);
  /** The run that was deleted last, as long as that can be undone. */
  deleted = $state.raw<SavedRun | null>(null);
  savedAt = $state<number | null>(null);
  /** Bytes of the current run in the browser's storage. */
  savedBytes = $state<number | null>(null);
  /** Whether this tab keeps its run; another one may be doing so already. */
  keeps = $state(true);
  preset = $state('');
  /** The pre-trained model that the current run started from. */
  origin = $state.raw<Shipped | null>(null);

  readonly room = new Room();

  readonly #around: RunsContext;
  readonly #saver: RunSaver;
  readonly #workerRun: WorkerRun;
  #equippable = $state(false);
  /** The step of a model that has just been opened and can be opened again. */
  #opened = $state<number | null>(null);
  /** Whether training data is being attached to the current run. */
  equipping = $state(false);
  #due = 0;
  /** The step that was last saved, or tried to be. */
  #saved = 0;
  /** A step that could not be kept, and of which the visitor has been told so. */
  #unkept: number | null = null;
  /** Ends the wait for the model that the page opens with. */
  skip: () => void = () => undefined;
  readonly #skipped = new Promise<null>((resolve) => (this.skip = () => resolve(null)));
  /** Whether training has come further since it last went back to a save. */
  progressed = true;

  constructor(around: RunsContext, preset: string) {
    this.#around = around;
    const { family, store, notices } = around;
    this.#workerRun = new WorkerRun(family);
    const mine = claim(`trm-${family}`);
    this.#saver = new RunSaver(store, (...words) => notices.tell('bad', ...words), mine);
    this.preset = preset;
  }

  /** Whether the model is as it came with the page: nothing would be lost with it. */
  get untouched(): boolean {
    return this.#opened !== null && this.#opened === this.#around.run.state.step;
  }

  get unsaved(): boolean {
    return this.#around.run.state.step !== this.#saved;
  }

  due(now: number): boolean {
    return now >= this.#due;
  }

  get text(): string | null {
    return this.#workerRun.text;
  }

  /** The training text of the current run. */
  get corpus(): Promise<string> {
    return this.#workerRun.corpus(this.text);
  }

  /** The built-in text, whatever the current run trains on. */
  get shakespeare(): Promise<string> {
    return this.#workerRun.corpus(null);
  }

  /**
   * Resumes the last run; what the address asks for takes its place. With
   * neither, the page opens with the model that its manifest names.
   */
  async begin(address: RunAddress, handed = false): Promise<void> {
    const last = await this.#saver.current();
    await this.list();
    this.keeps = await this.#saver.mine;
    const { notices, run, standard } = this.#around;
    if (!this.keeps) notices.tell('bad', ...ELSEWHERE);
    const file = handed ? await takeOver() : null;
    if (last) {
      await this.#resume(last);
      if (!file && (await this.#agrees(address))) return;
    }
    const next = file ? () => this.load(file) : await this.#asked(address);
    const asked = location.search;
    try {
      if (last) return next ? await this.replace(next) : undefined;
      await (next ?? (() => this.create(address.config, null, address.preset)))();
    } catch (error) {
      if (!(error instanceof SessionError) || error.severe) throw error;
      // The address requests something impossible: report it, and start with a default.
      if (!last) await this.create(preset(standard) ?? run.draft, null, standard);
      notices.fail(error, asked);
    }
  }

  /** Whether the run that was resumed is the one that the address means. */
  async #agrees({ explicit, checkpoint, live, config }: RunAddress): Promise<boolean> {
    if (!explicit) return true;
    const { summary } = this.#around.run.state;
    if (checkpoint === null) return summary !== null && same(summary.config, config);
    if (checkpoint !== this.origin?.name) return false;
    await this.configure(live);
    return true;
  }

  /** How to begin with what the address or the manifest asks for; `null` where that cannot be had. */
  async #asked(address: RunAddress): Promise<(() => Promise<void>) | null> {
    const { gallery, notices } = this.#around;
    const { checkpoint, explicit, config, live, preset: name } = address;
    const shipped =
      checkpoint !== null
        ? await gallery.find(checkpoint)
        : explicit
          ? null
          : await gallery.first();
    if (checkpoint !== null && !shipped) {
      const hint = 'Choose another model, or train one from scratch.';
      notices.tell('bad', `This page has no model “${checkpoint}”.`, hint);
      return null;
    }
    if (!shipped) return () => this.create(config, null, name);
    const bytes = await Promise.race([this.fetch(shipped), this.#skipped]);
    return bytes && (() => this.open(shipped, bytes, live));
  }

  /** The file of a model that comes with the page; `null`, and a message, where it cannot be had. */
  async fetch(shipped: Shipped): Promise<Uint8Array | null> {
    const { gallery, notices } = this.#around;
    try {
      return await gallery.bring(shipped);
    } catch (error) {
      if (!(error instanceof SessionError)) throw error;
      const { message, hint } = error.failure;
      notices.tell('bad', `“${shipped.title}” could not be opened. ${message}`, hint);
      return null;
    }
  }

  async list(): Promise<void> {
    this.kept = (await this.#saver.kept()) ?? this.kept;
    void this.room.measure();
  }

  async discard(kept: SavedRun): Promise<void> {
    if (await this.#saver.discard(kept.id)) this.deleted = kept;
    await this.list();
  }

  /** Undoes the last deletion. */
  async undelete(): Promise<void> {
    if (this.deleted && (await this.#saver.putBack(this.deleted))) this.deleted = null;
    await this.list();
  }

  restore(kept: SavedRun): Promise<void> {
    return this.replace(() => this.#resume(kept), kept.id);
  }

  /** Replaces the current run, which is saved. */
  async replace(next: () => Promise<void>, taken: string | null = null): Promise<void> {
    const { run, notices, past } = this.#around;
    const { step } = run.state;
    if (step > 0 && !(await this.save()) && this.#unkept !== step) {
      this.#unkept = step;
      notices.tell(
        'bad',
        'The current run could not be saved in the browser, so it was not replaced.',
        'Save a checkpoint first. If you try again, the current run is discarded.',
      );
      return;
    }
    const before = notices.shown;
    const leaving = this.#leaving();
    await next();
    if (leaving) past.add(leaving);
    // The restored run is the current one again.
    if (taken !== null) past.drop(taken);
    // Only now: a new run that fails must not replace the current one.
    this.#saver.succeed(taken);
    if (this.untouched) await this.#saver.vacate();
    else await this.save();
    await this.list();
    this.progressed = true;
    if (notices.shown === before) notices.dismiss();
  }

  /** The current run as an earlier run on the chart, if it has trained. */
  #leaving(): Arrival | null {
    const { step, training, validation, elapsed, changes, summary } = this.#around.run.state;
    if (!summary || training.length === 0) return null;
    return {
      id: asideId(this.savedAt ?? Date.now()),
      name: this.origin?.title ?? titleOf(this.preset),
      step,
      history: { training, validation, elapsed, changes },
      config: summary.config,
    };
  }

  /** Starts a run from scratch. */
  async create(wanted: RunConfig, text: string | null, name = this.preset): Promise<void> {
    const { machine, notices } = this.#around;
    const summary = await this.#workerRun.create(machine.client, wanted, text);
    this.preset = name;
    this.#began(summary, null, null);
    const substitute = substituted(wanted, summary);
    if (substitute && text === null) {
      notices.tell('bad', substitute, 'Paste or drop that text to train on it.');
    }
  }

  /** Loads a checkpoint from a file. */
  async load(bytes: Uint8Array): Promise<void> {
    const { machine, notices, family } = this.#around;
    const summary = await this.#workerRun
      // A solver may have learned from anything but what lies here.
      .load(machine.client, bytes, null, family === 'puzzles' ? null : this.text)
      .catch(async (error: unknown) => {
        // The page that it belongs to can take the file from there.
        if (error instanceof WrongPage) await handOver(bytes);
        throw error;
      });
    this.preset = presetOfKind(summary.config.data.dataset) ?? this.preset;
    this.#began(summary, null, null);
    notices.tell('good', `Checkpoint loaded at step ${summary.step}.`, loadedHint(summary));
  }

  /** Opens a pre-trained model. */
  async open(shipped: Shipped, bytes: Uint8Array, live: Patch = {}): Promise<void> {
    const { machine } = this.#around;
    const summary = await this.#workerRun.load(machine.client, bytes, null, null);
    // What a run from nothing with the same settings would be called.
    this.preset = preset(shipped.name) ? shipped.name : this.#around.standard;
    this.#began(summary, null, shipped);
    try {
      await this.configure(live);
    } catch (error) {
      if (!(error instanceof SessionError) || error.severe) throw error;
      // The model is as good without what the address wishes.
      this.#around.notices.tell('bad', error.failure.message, error.failure.hint);
    }
  }

  async #resume(kept: SavedRun): Promise<void> {
    const { machine, gallery } = this.#around;
    const { checkpoint, optimizer, text, history, preset, origin } = kept;
    const came = origin === undefined ? null : await gallery.find(origin);
    const summary = await this.#workerRun.load(machine.client, checkpoint, optimizer, text);
    this.preset = preset;
    this.#began(summary, history, came);
    this.#isKept(kept);
  }

  #began(summary: RunSummary, history: History | null, origin: Shipped | null): void {
    const { run, remember } = this.#around;
    this.origin = origin;
    this.#opened = origin && !history ? summary.step : null;
    this.#equippable = this.#workerRun.equippable;
    run.begin(summary, this.text, history, this.#opened !== null);
    this.savedAt = null;
    this.savedBytes = null;
    this.#saved = summary.step;
    this.#unkept = null;
    this.#due = performance.now() + SAVE_EVERY;
    remember();
  }

  /** Whether the current run can be trained, perhaps after its data is attached. */
  get teachable(): boolean {
    return this.#around.run.state.summary?.trainable || this.#equippable;
  }

  /** Attaches the training data; for ARC, `tasks`. */
  async equip(tasks: string | null = null): Promise<void> {
    const { machine, run, notices } = this.#around;
    const before = run.state.summary;
    if (!before || !this.#equippable) return;
    this.equipping = true;
    this.#equippable = false;
    try {
      const made = await this.#workerRun.equip(machine.client, tasks);
      if (!made) return;
      run.change(made);
      const { config } = before;
      if (made.trainable && !same(made.config, config)) {
        run.change((await machine.client.ask({ type: 'configure', config }, 'ready')).summary);
      }
      if (!made.trainable)
        notices.tell('bad', 'This model cannot be trained here.', loadedHint(made));
    } finally {
      this.equipping = false;
      this.#equippable = this.#workerRun.equippable;
    }
  }

  /** Changes settings that need no restart; none is no change. */
  async configure(patch: Patch): Promise<void> {
    const { machine, run, remember } = this.#around;
    const now = run.state.summary?.config;
    const config = now && patched(now, patch);
    if (!config || same(now, config)) return;
    const { summary } = await machine.client.ask({ type: 'configure', config }, 'ready');
    run.change(summary);
    remember();
    // The address and what is kept must agree, or a reload would start over.
    await this.save();
  }

  /** Whether the run is saved now, or need not be. */
  async save(): Promise<boolean> {
    const { machine, run } = this.#around;
    this.#due = performance.now() + SAVE_EVERY;
    if (!run.state.summary || run.phase === 'broken') return false;
    if (this.untouched) return true;
    const progress = run.state.step > this.#saved;
    // Also when it fails: the next step tries again.
    this.#saved = run.state.step;
    const from = { preset: this.preset, origin: this.origin?.name };
    const snapshot = await this.#workerRun.keepable(machine.client, from, run.state);
    if (!(await this.#saver.save(snapshot))) return false;
    this.#isKept(snapshot);
    void this.room.measure();
    if (progress) this.progressed = true;
    return true;
  }

  #isKept(run: SavedRun): void {
    this.savedAt = run.savedAt;
    this.savedBytes = sizeOf(run);
  }

  /** The run as a file. */
  async file(): Promise<Uint8Array> {
    return (await this.#workerRun.save(this.#around.machine.client)).checkpoint;
  }

  /** Restores the last save, or the start of the run, in a new worker. */
  async back(): Promise<void> {
    const last = await this.#saver.latest();
    if (last) return this.#resume(last);
    const { gallery, run } = this.#around;
    if (!this.origin) return this.create(run.draft, this.text);
    // Also to how long it was to be trained on.
    const { learning_rate, max_iters } = (run.state.summary?.config ?? this.origin.config).train;
    const bytes = await gallery.bring(this.origin);
    return this.open(this.origin, bytes, { learning_rate, max_iters });
  }
}
