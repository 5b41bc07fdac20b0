// What there is to see, and what can be asked for: all that views know. When it
// happens is the loop's business.

import type { RunConfig } from '../gen';
import type { SessionClient } from '../client/client';
import type { KeptRun, Shelf } from '../state/keep';
import type { Shipped } from '../state/manifest';
import { preset } from '../state/presets';
import type { Notice, Phase, RunState } from '../state/run';
import { liveOf } from '../state/settings';
import { type Asked } from '../state/asked';
import { type PageAddress, type Question, write } from '../state/url';
import type { OpenedDevice } from '../worker/protocol';
import { AddressBar } from './address';
import type { Answer } from './answer.svelte';
import type { Cursor } from './cursor.svelte';
import type { Curve } from './curve.svelte';
import { Duel } from './duel.svelte';
import { type Errand, Errands } from './errands';
import { Estimates } from './estimates.svelte';
import { Gallery } from './gallery.svelte';
import { Loop } from './loop';
import { Machine } from './machine.svelte';
import { Notices } from './notices.svelte';
import { Past } from './past.svelte';
import type { Space } from './room.svelte';
import type { Refining, Source } from './refining.svelte';
import { type Part, Run } from './run.svelte';
import { Runs } from './runs.svelte';
import { further } from './trainee';
import { Tuning } from './tuning.svelte';

export class Lab {
  readonly gallery = new Gallery(document.baseURI);
  readonly past = new Past();
  readonly tuning = new Tuning((patch) => this.#settled(() => this.#runs.configure(patch)));
  readonly duel: Duel;

  readonly #address: PageAddress;
  readonly #machine: Machine;
  readonly #run: Run;
  readonly #runs: Runs;
  readonly #notices = new Notices();
  readonly #bar = new AddressBar();
  readonly #errands = new Errands();
  readonly #estimates = new Estimates();
  readonly #loop: Loop;
  /** The model that is to be opened as soon as it has come. */
  #wanted: string | null = null;

  constructor(address: PageAddress, spawn: () => SessionClient, shelf: Shelf) {
    this.#address = address;
    this.#machine = new Machine(spawn, address);
    this.#run = new Run(this.#machine, address);
    const around = {
      machine: this.#machine,
      run: this.#run,
      gallery: this.gallery,
      notices: this.#notices,
      past: this.past,
      shelf,
      remember: () => this.#bar.write(this.#link()),
    };
    this.#runs = new Runs(around, address.preset);
    this.duel = new Duel(
      {
        spawn,
        wish: address,
        quiet: () => this.#settled(() => this.#rest()),
        text: async () => ({ corpus: await this.#runs.corpus, own: this.#runs.text }),
        remember: around.remember,
      },
      address.duel,
    );
    this.#loop = new Loop({
      machine: this.#machine,
      run: this.#run,
      runs: this.#runs,
      notices: this.#notices,
      errands: this.#errands,
      estimates: this.#estimates,
      elsewhere: () => this.duel.busy,
    });
    if (address.problems.length > 0) {
      this.#notices.tell('bad', address.problems.join(' '), 'The rest of the address was used.');
    }
  }

  /** Takes up the last run or starts one, and goes on until the page closes. */
  live(): Promise<never> {
    return this.#loop.live(() => this.#runs.begin(this.#address));
  }

  // ── What there is to see ─────────────────────────────────────────────────

  get state(): RunState {
    return this.#run.state;
  }
  get phase(): Phase {
    return this.#run.phase;
  }
  get stepping(): boolean {
    return this.#run.stepping;
  }
  get device(): OpenedDevice | null {
    return this.#machine.device;
  }
  get notice(): Notice | null {
    return this.#notices.shown;
  }
  get question(): Question {
    return this.#run.question;
  }
  /** The question as it is put to the model at hand. */
  get asked(): Asked {
    return this.#run.asked;
  }
  /** The text that is watched being written. */
  get watched(): Answer {
    return this.#run.answers.watched;
  }
  get compared(): readonly Answer[] {
    return this.#run.answers.compared;
  }
  get refining(): Refining {
    return this.#run.refining;
  }
  get curve(): Curve {
    return this.#run.curve;
  }
  get cursor(): Cursor {
    return this.#run.cursor;
  }
  /** What the grid shows being read. */
  get reading(): Source {
    return this.#run.reading;
  }
  get draft(): RunConfig {
    return this.#run.draft;
  }
  set draft(config: RunConfig) {
    this.#run.draft = config;
  }
  get preset(): string {
    return this.#runs.preset;
  }
  /** The model that came with the page and that the run goes on from. */
  get origin(): Shipped | null {
    return this.#runs.origin;
  }
  /** Whether that model is as it came. */
  get untouched(): boolean {
    return this.#runs.untouched;
  }
  /** Steps that are added to a run which has made all of its own: as many as it was made for. */
  get more(): number {
    const made = this.origin?.config ?? preset(this.preset) ?? this.draft;
    return made.train.max_iters;
  }
  get kept(): readonly KeptRun[] {
    return this.#runs.kept;
  }
  get keeps(): boolean {
    return this.#runs.keeps;
  }
  get savedAt(): number | null {
    return this.#runs.savedAt;
  }
  get savedBytes(): number | null {
    return this.#runs.savedBytes;
  }
  /** The run that was deleted last, as long as that can be undone. */
  get deleted(): KeptRun | null {
    return this.#runs.deleted;
  }
  get space(): Space | null {
    return this.#runs.room.shown;
  }
  /** The address of all this, for somebody else. */
  get link(): string {
    return location.origin + location.pathname + this.#link();
  }
  /** Milliseconds per step, by preset. */
  get estimates(): Readonly<Record<string, number>> {
    return this.#estimates.known;
  }

  // ── What can be asked for ────────────────────────────────────────────────

  train(): void {
    if (!this.#run.train()) return;
    // One thing is trained at a time.
    this.duel.pause();
    this.#notices.settle();
    this.#errands.poke();
  }

  /** Trains on, also when all steps have been made: then there are more of them. */
  trainOn(): void {
    this.#errands.add(async () => {
      const { summary, step } = this.state;
      if (!summary) return;
      const { config } = summary;
      if (step >= config.train.max_iters) {
        await this.#runs.configure({ ...further(config, step, this.more) });
      }
      this.train();
    });
  }

  /** Takes effect when the steps under way are done, so that paused means paused. */
  pause(): void {
    if (this.phase !== 'training') return;
    this.#errands.add(() => this.#rest());
  }

  async #rest(): Promise<void> {
    if (this.phase !== 'training') return;
    this.#run.pause();
    await this.#runs.save();
  }

  /** Settles when the loop has come to `errand`, also if it failed. */
  #settled(errand: Errand): Promise<void> {
    return new Promise((resolve) => {
      this.#errands.add(async () => {
        try {
          await errand();
        } finally {
          resolve();
        }
      });
    });
  }

  /** Trains one step. */
  single(): void {
    this.#run.single();
    this.#errands.poke();
  }

  /** Starts over with the draft; the present run is set aside. */
  restart(): void {
    this.#succeed(() => this.#runs.create(this.draft, this.#runs.text));
  }

  /** Back to the beginning: of the model that was opened, or of the run. */
  reset(): void {
    if (this.origin) void this.open(this.origin);
    else this.restart();
  }

  choosePreset(name: string): void {
    this.#succeed(() => this.#fromNothing(name));
  }

  /** Trains a model of a preset from its first step on. */
  trainFromNothing(name: string): void {
    this.#succeed(async () => {
      await this.#fromNothing(name);
      this.train();
    });
  }

  /** Starts over on a text of the visitor's own, or on Shakespeare for `null`. */
  chooseText(name: string, text: string | null): void {
    this.#succeed(async () => {
      const config = { ...this.draft, data: { ...this.draft.data, dataset: name } };
      const left = this.state.step > 0;
      await this.#runs.create(config, text);
      if (text === null) return;
      const hint = left
        ? 'The run before it was set aside, under Checkpoints.'
        : 'Press Train to begin.';
      const length = text.length.toLocaleString('en-US');
      this.#notices.tell('good', `This run learns from “${name}”, ${length} characters.`, hint);
    });
  }

  /** Takes up a checkpoint that was dropped or chosen. */
  openCheckpoint(bytes: Uint8Array): void {
    this.#succeed(() => this.#runs.load(bytes));
  }

  /** Fetches a model that comes with the page and opens it, unless another run is asked for by then. */
  async open(shipped: Shipped): Promise<void> {
    this.#wanted = shipped.name;
    const bytes = await this.#runs.fetch(shipped);
    if (!bytes || this.#wanted !== shipped.name) return;
    this.#succeed(() => this.#runs.open(shipped, bytes));
  }

  /** Does not wait for the model that the page opens with. */
  skip(): void {
    this.#runs.skip();
  }

  /** Applies the settings that need no restart. */
  configure(): void {
    const settings = liveOf(this.draft);
    this.#errands.add(() => this.#runs.configure(settings));
  }

  async download(): Promise<Uint8Array | null> {
    return new Promise((resolve) => {
      this.#errands.add(async () => {
        try {
          resolve(await this.#runs.file());
        } finally {
          resolve(null);
        }
      });
    });
  }

  restore(run: KeptRun): void {
    this.#wanted = null;
    this.tuning.forget();
    this.#errands.add(() => this.#runs.restore(run));
  }

  discard(run: KeptRun): void {
    this.#errands.add(() => this.#runs.discard(run));
  }

  undelete(): void {
    this.#errands.add(() => this.#runs.undelete());
  }

  /** Puts the question, which changed. */
  ask(change: Partial<Question> = {}): void {
    Object.assign(this.question, change);
    this.#run.ask();
    this.#bar.soon(this.#link());
    this.#errands.poke();
  }

  /** Reads the text being written, or the fixed one. */
  read(source: Source): void {
    this.#run.source = source;
    this.#run.refining.hurry();
    this.#errands.poke();
  }

  /** Looks at a cell of the grid. */
  point(cycle: number | null, at: number | null): void {
    this.#run.cursor.set(cycle, at);
    this.#run.refining.hurry();
    this.#errands.poke();
  }

  /** A part of the page comes into sight, or leaves it. */
  look(part: Part, seen: boolean): void {
    this.#run.look(part, seen);
    if (seen) this.#errands.poke();
  }

  /** Keeps what was learned, because the page may be closing. */
  keepNow(): void {
    this.#errands.add(() => this.#runs.save());
  }

  /** Says why something given was not taken. */
  refuse(message: string, hint: string): void {
    this.#notices.tell('bad', message, hint);
  }

  dismiss(): void {
    this.#notices.dismiss();
  }

  /** Times the presets that suit a tab, to say how long each takes. */
  estimate(names: readonly string[]): void {
    this.#estimates.want(names);
    this.#errands.poke();
  }

  /** Another run takes the place of this one. */
  #succeed(next: () => Promise<void>): void {
    this.#wanted = null;
    this.tuning.forget();
    this.#errands.add(() => this.#runs.replace(next));
  }

  async #fromNothing(name: string): Promise<void> {
    const config = preset(name);
    if (!config) return;
    const { dataset } = this.draft.data;
    const next = { ...config, data: { ...config.data, dataset } };
    await this.#runs.create(next, this.#runs.text, name);
  }

  #link(): string {
    const { preset, origin, question } = this;
    const duel = this.duel.open ? this.duel.plan : null;
    const config = this.state.summary?.config ?? this.draft;
    const { device, software } = this.#address;
    return write({ preset, config, origin, question, duel, device, software });
  }
}
