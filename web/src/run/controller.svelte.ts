// State and actions that all pages share: the current run, training, saving, notices.

import type { SessionClient } from '../client/client';
import type { Family, RunConfig } from '../gen';
import type { Autosave } from './autosave.svelte';
import type { Cores } from './cores.svelte';
import type { CurrentRun } from './current-run.svelte';
import type { DatasetChoice } from './dataset';
import type { SavedList } from './saved-list.svelte';
import type { SavedRun, SavedRuns } from './saved-runs';
import type { Shipped } from './manifest';
import { trainedFor } from './format';
import { preset, titleOf } from './presets';
import type { Notice, Phase, RunState } from './state';
import type { Wish } from './wish';
import { liveOf } from './settings';
import type { OpenedDevice } from '../worker/protocol';
import { AddressBar } from './address-bar';
import { type Task, TaskQueue } from './task-queue';
import { Gallery } from './gallery.svelte';
import { Loop } from './loop';
import { Machine } from './machine.svelte';
import { Notices } from './notices.svelte';
import { PastRuns } from './past-runs.svelte';
import { Runs } from './runs.svelte';
import { ELSEWHERE } from './tab-lock';
import { further } from './further';
import type { Training } from './training.svelte';
import { LiveSettings } from './live-settings.svelte';

/** Options of a controller. */
export interface Setting<R extends Training> {
  readonly family: Family;
  readonly datasets: DatasetChoice;
  readonly wish: Wish;
  readonly spawn: () => SessionClient;
  readonly store: SavedRuns;
  /** The preset that the address names, and the one to fall back on. */
  readonly preset: string;
  readonly standard: string;
  readonly run: (machine: Machine) => R;
}

export abstract class RunController<R extends Training = Training> {
  readonly gallery: Gallery;
  readonly past = new PastRuns();
  readonly liveSettings = new LiveSettings((patch) =>
    this.enqueue(() => this.current.configure(patch)),
  );

  protected readonly machine: Machine;
  protected readonly run: R;
  protected readonly runs: Runs;
  protected readonly notices: Notices;
  protected readonly bar = new AddressBar();
  protected readonly queue = new TaskQueue();
  protected readonly loop: Loop;
  /** The model that is to be opened as soon as it has come. */
  #wanted: string | null = null;
  #warned = false;

  constructor({ family, datasets, wish, spawn, store, preset, standard, run }: Setting<R>) {
    this.gallery = new Gallery(document.baseURI, family);
    this.notices = new Notices();
    this.machine = new Machine(spawn, wish, family);
    this.run = run(this.machine);
    const around = {
      ...{ family, datasets, standard, store, machine: this.machine, run: this.run },
      ...{ gallery: this.gallery, notices: this.notices, past: this.past },
      remember: () => this.remember(),
    };
    this.runs = new Runs(around, preset);
    this.loop = new Loop({
      ...{ machine: this.machine, run: this.run, runs: this.runs },
      ...{ notices: this.notices, queue: this.queue },
      own: () => this.own,
      spare: () => this.spare(),
    });
  }

  /** What the page shows, as an address beside this page. */
  protected abstract address(): string;

  /** Work for idle time; returns whether there was any. */
  protected abstract spare(): Promise<boolean>;

  /** What a run of the draft would learn from, where that is the visitor's own. */
  protected get own(): string | null {
    return this.current.own;
  }

  /** Updates the address. */
  remember(): void {
    this.bar.write(this.address());
  }

  protected complain(problems: readonly string[]): void {
    this.notices.complain(problems);
  }

  // ── What there is to see ─────────────────────────────────────────────────

  get state(): RunState {
    return this.run.state;
  }
  get phase(): Phase {
    return this.run.phase;
  }
  get stepping(): boolean {
    return this.run.stepping;
  }
  get device(): OpenedDevice | null {
    return this.machine.device;
  }
  /** How much of the engine has come. */
  get engine(): Machine['loading'] {
    return this.machine.loading;
  }
  get notice(): Notice | null {
    return this.notices.shown;
  }
  /** The workers that train it. */
  get cores(): Cores {
    return this.machine.cores;
  }
  /** The current run: where it comes from and what it trains on. */
  get current(): CurrentRun {
    return this.runs.current;
  }
  get autosave(): Autosave {
    return this.runs.autosave;
  }
  /** The runs that were set aside. */
  get saved(): SavedList {
    return this.runs.saved;
  }
  get draft(): RunConfig {
    return this.run.draft;
  }
  set draft(config: RunConfig) {
    this.run.draft = config;
  }
  /** Steps that are added to a run which has made all of its own: as many as it was made for. */
  get more(): number {
    const made = this.current.origin?.config ?? preset(this.current.preset) ?? this.draft;
    return made.train.max_iters;
  }
  /** The title of the current run: of the pre-trained model or of the preset. */
  get title(): string {
    const { origin, named, preset } = this.current;
    return origin?.title ?? named ?? titleOf(preset);
  }
  /** The title and how long the run was trained; empty without a run. */
  get who(): string {
    return this.state.summary ? `${this.title}, ${trainedFor(this.state.step)}` : '';
  }

  /** Title and step of a saved run. */
  titleOf(run: SavedRun): string {
    return this.runs.titleOf(run);
  }

  /** The address of all this, for somebody else. */
  get link(): string {
    return location.origin + location.pathname + this.address();
  }

  // ── What can be asked for ────────────────────────────────────────────────

  train(): void {
    if (!this.run.train()) return;
    this.notices.settle();
    this.#warn();
    this.queue.poke();
  }

  /** Who only looks need not know that this tab saves nothing; who trains is told once. */
  #warn(): void {
    if (this.autosave.prevented !== 'tab' || this.#warned) return;
    this.#warned = true;
    this.notices.tell('note', ...ELSEWHERE);
  }

  /** Trains on, also when all steps have been made: then there are more of them. */
  trainOn(): void {
    this.queue.add(async () => {
      await this.current.attach(this.own);
      const { summary, step } = this.state;
      if (!summary?.trainable) return;
      const { config } = summary;
      if (step >= config.train.max_iters) {
        await this.current.configure({ ...further(config, step, this.more) });
      }
      this.train();
    });
  }

  /** Takes effect when the pending steps are done. */
  pause(): void {
    if (this.phase !== 'training') return;
    this.queue.add(() => this.pauseAndSave());
  }

  protected async pauseAndSave(): Promise<void> {
    if (this.phase !== 'training') return;
    this.run.pause();
    await this.autosave.save();
  }

  /** Queues `task`. The promise settles when it is done, also if it failed. */
  protected enqueue(task: Task): Promise<void> {
    return new Promise((resolve) => {
      this.queue.add(async () => {
        try {
          await task();
        } finally {
          resolve();
        }
      });
    });
  }

  /** Trains one step. */
  single(): void {
    this.run.single();
    this.queue.poke();
  }

  /** Starts a new run with the draft settings; the current run is saved. */
  restart(): void {
    this.replaceRun(() => this.current.create(this.draft, this.own));
  }

  /** Back to the beginning: of the model that was opened, or of the run. */
  reset(): void {
    const { origin, own } = this.current;
    if (origin) return void this.open(origin);
    // What stands in the form, unapplied, is for a new run.
    const config = this.state.summary?.config ?? this.draft;
    this.replaceRun(() => this.current.create(config, own));
  }

  choosePreset(name: string): void {
    this.replaceRun(() => this.fromNothing(name));
  }

  /** Trains a model of a preset from its first step on. */
  trainFromNothing(name: string): void {
    this.replaceRun(async () => {
      await this.fromNothing(name);
      this.train();
    });
  }

  /** Loads a checkpoint that was dropped or chosen. */
  openCheckpoint(bytes: Uint8Array, name: string | null = null): void {
    this.replaceRun(() => this.current.load(bytes, name));
  }

  /** Fetches a model that comes with the page and opens it, unless another run is asked for by then. */
  async open(shipped: Shipped): Promise<void> {
    this.#wanted = shipped.name;
    const bytes = await this.runs.fetch(shipped);
    if (!bytes || this.#wanted !== shipped.name) return;
    this.replaceRun(() => this.current.open(shipped, bytes));
  }

  /** Does not wait for the model that the page opens with: trains a new one. */
  skip(): void {
    this.runs.skip(() => this.train());
  }

  /** Trains with so many workers from the next steps on. */
  useCores(cores: number): void {
    this.cores.choose(cores);
    this.remember();
  }

  /** Applies the settings that need no restart. */
  configure(): void {
    const settings = liveOf(this.draft);
    this.queue.add(() => this.current.configure(settings));
  }

  async download(): Promise<Uint8Array | null> {
    return new Promise((resolve) => {
      this.queue.add(async () => {
        try {
          resolve(await this.current.file());
        } finally {
          resolve(null);
        }
      });
    });
  }

  restore(run: SavedRun): void {
    this.#wanted = null;
    this.liveSettings.forget();
    this.queue.add(() => this.runs.restore(run));
  }

  discard(run: SavedRun): void {
    this.queue.add(() => this.saved.discard(run));
  }

  undelete(): void {
    this.queue.add(() => this.saved.undelete());
  }

  /** Saves the run, because the page may be closing. */
  keepNow(): void {
    this.queue.add(() => this.autosave.save());
  }

  /** Reports why an input was rejected. */
  refuse(message: string, hint: string): void {
    this.notices.tell('bad', message, hint);
  }

  dismiss(): void {
    this.notices.dismiss();
  }

  /** Another run takes the place of this one. */
  protected replaceRun(next: () => Promise<void>): void {
    this.#wanted = null;
    this.liveSettings.forget();
    this.queue.add(() => this.runs.replace(next));
  }

  /** Takes a text that was dropped or chosen. */
  abstract takeText(name: string, text: string): void;

  /** Takes a text that was pasted on the page, not into a field of it. */
  abstract takePasted(text: string): void;

  /** Another run of a preset, not trained yet. */
  protected abstract fromNothing(name: string): Promise<void>;
}
