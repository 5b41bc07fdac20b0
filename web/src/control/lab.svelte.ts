// What happens when. One loop asks the worker for one thing at a time: a piece
// of text, some training, a validation, a save. Pausing is not asking.

import type { RunConfig } from '../gen';
import { type SessionClient, SessionError } from '../client/client';
import type { KeptRun, Shelf } from '../state/keep';
import {
  type Happening,
  NO_RUN,
  type Notice,
  type Phase,
  reduce,
  type RunState,
  telling,
} from '../state/run';
import { sentence } from '../state/say';
import {
  DEEPEST,
  DEFAULT_PRESET,
  type PageAddress,
  preset,
  type Question,
  same,
  write,
} from '../state/url';
import type { OpenedDevice } from '../worker/protocol';
import { AddressBar } from './address';
import type { Answer } from './answer.svelte';
import { Answers } from './answers';
import { claim, ELSEWHERE } from './claim';
import { type Errand, Errands } from './errands';
import { Estimates } from './estimates.svelte';
import { Keeper } from './keeper';
import { Refining } from './refining.svelte';
import { loadedHint, readable, substituted, Trainee } from './trainee';

/** Milliseconds of training in one request: short enough to stay answerable. */
const SLICE = 200;
const SAVE_EVERY = 20_000;
/** Validation tokens per estimate in the tab. */
const VALIDATION_TOKENS = 4096;

export class Lab {
  state = $state.raw<RunState>(NO_RUN);
  phase = $state<Phase>('opening');
  device = $state.raw<OpenedDevice | null>(null);
  notice = $state.raw<Notice | null>(null);
  kept = $state.raw<readonly KeptRun[]>([]);
  savedAt = $state<number | null>(null);
  /** Whether steps are being made; the last ones arrive after a pause. */
  stepping = $state(false);
  /** Whether this tab keeps its run; another one may be doing so already. */
  keeps = $state(true);
  preset = $state('');
  /** What the settings form shows; a new run takes it over. */
  draft: RunConfig;
  question: Question;
  readonly refining = new Refining();

  readonly #address: PageAddress;
  readonly #spawn: () => SessionClient;
  readonly #keeper: Keeper;
  readonly #bar = new AddressBar();
  readonly #answers = new Answers();
  readonly #errands = new Errands();
  readonly #estimates = new Estimates();
  readonly #trainee = new Trainee();
  #client: SessionClient;
  #single = 0;
  #batch = 1;
  #due = { save: 0, validate: false };
  /** Whether the last turn was spent on text. */
  #wrote = false;
  /** The step that was last saved, or tried to be. */
  #saved = 0;
  /** A step that could not be kept, and of which the visitor has been told so. */
  #unkept: number | null = null;
  #revived = 0;

  constructor(address: PageAddress, spawn: () => SessionClient, shelf: Shelf) {
    this.#address = address;
    this.#spawn = spawn;
    this.#keeper = new Keeper(shelf, (message, hint) => this.#tell('bad', message, hint), claim());
    this.#client = spawn();
    this.preset = address.preset;
    this.draft = $state.raw(address.config);
    this.question = $state(address.question);
    if (address.problems.length > 0) {
      this.#tell('bad', address.problems.join(' '), 'The rest of the address was used.');
    }
  }

  /** Opens the device, takes up the last run or starts one, and goes on until the page closes. */
  async live(): Promise<void> {
    try {
      await this.#open();
      await this.#begin();
    } catch (error) {
      await this.#trouble(error);
    }
    for (;;) {
      try {
        await this.#turn();
      } catch (error) {
        await this.#trouble(error);
      }
    }
  }

  get answers(): readonly [Answer, Answer] {
    return this.#answers.pair;
  }

  /** Milliseconds per step, by preset. */
  get estimates(): Readonly<Record<string, number>> {
    return this.#estimates.known;
  }

  train(): void {
    if (this.phase !== 'paused' && this.phase !== 'done') return;
    this.phase = 'training';
    if (this.notice?.tone === 'good') this.notice = null;
    this.#errands.poke();
  }

  /** Takes effect when the steps under way are done, so that paused means paused. */
  pause(): void {
    if (this.phase !== 'training') return;
    this.#errands.add(async () => {
      if (this.phase === 'training') this.phase = 'paused';
      await this.#save();
    });
  }

  /** Trains one step. */
  single(): void {
    if (this.phase !== 'paused') return;
    this.#single += 1;
    this.#errands.poke();
  }

  /** Starts over with the draft; the present run is set aside. */
  restart(): void {
    const next = () => this.#create(this.draft, this.#trainee.text);
    this.#errands.add(() => this.#replace(next));
  }

  choosePreset(name: string): void {
    const config = preset(name);
    if (!config) return;
    this.#errands.add(async () => {
      const { dataset } = this.draft.data;
      const next = { ...config, data: { ...config.data, dataset } };
      await this.#replace(async () => {
        await this.#create(next, this.#trainee.text);
        this.#nameAs(name);
      });
    });
  }

  /** Starts over on a text of the visitor's own, or on Shakespeare for `null`. */
  chooseText(name: string, text: string | null): void {
    this.#errands.add(() => {
      const config = { ...this.draft, data: { ...this.draft.data, dataset: name } };
      return this.#replace(() => this.#create(config, text));
    });
  }

  /** Applies the settings that need no restart. */
  configure(): void {
    this.#errands.add(async () => {
      const { learning_rate, max_iters } = this.draft.train;
      const command = { type: 'configure', settings: { learning_rate, max_iters } } as const;
      const { summary } = await this.#client.ask(command, 'ready');
      this.#happen({ type: 'changed', summary });
      this.#remember();
      // The address and what is kept must agree, or a reload would start over.
      await this.#save();
      if (this.phase === 'done' && this.state.step < max_iters) this.phase = 'paused';
    });
  }

  /** Takes up a checkpoint that was dropped or chosen. */
  openCheckpoint(bytes: Uint8Array): void {
    this.#errands.add(async () => {
      await this.#replace(async () => {
        const summary = await this.#trainee.load(this.#client, bytes, null, this.#trainee.text);
        this.#began({ type: 'began', summary, history: null });
        this.#tell('good', `Checkpoint loaded at step ${summary.step}.`, loadedHint(summary));
      });
    });
  }

  async download(): Promise<Uint8Array | null> {
    return new Promise((resolve) => {
      this.#errands.add(async () => {
        try {
          const saved = await this.#trainee.save(this.#client);
          resolve(saved.checkpoint);
        } finally {
          resolve(null);
        }
      });
    });
  }

  restore(run: KeptRun): void {
    this.#errands.add(() => this.#replace(() => this.#resume(run), run.id));
  }

  discard(run: KeptRun): void {
    this.#errands.add(async () => {
      await this.#keeper.discard(run.id);
      await this.#list();
    });
  }

  /** The question changed: both answers begin again, with the same luck. */
  asked(): void {
    this.#answers.renew(this.question);
    this.refining.refresh();
    this.#bar.soon(this.#link());
    this.#errands.poke();
  }

  /** Keeps what was learned, because the page may be closing. */
  keepNow(): void {
    this.#errands.add(() => this.#save());
  }

  /** Says why something given was not taken. */
  refuse(message: string, hint: string): void {
    this.#tell('bad', message, hint);
  }

  dismiss(): void {
    this.notice = null;
  }

  /** Times the presets that suit a tab, to say how long each takes. */
  estimate(names: readonly string[]): void {
    this.#estimates.want(names);
    this.#errands.poke();
  }

  // ── The loop ─────────────────────────────────────────────────────────────

  async #turn(): Promise<unknown> {
    const errand = this.#errands.next();
    if (errand) return this.#attend(errand);
    if (this.phase === 'broken' || !this.state.summary) return this.#errands.sleep();
    const now = performance.now();
    // Text and training take turns, so that neither waits for the other on a slow device.
    if ((this.#answers.urgent || !this.#wrote) && (await this.#answer(now))) {
      this.#wrote = true;
      return;
    }
    this.#wrote = false;
    if (this.refining.due(now) === 0) return this.#refine(this.state.summary.config);
    if (this.#due.validate) return this.#validate();
    if (this.phase === 'training' && now >= this.#due.save) return this.#save();
    if (this.phase === 'training' || this.#single > 0) return this.#step();
    if (await this.#answer(now)) return;
    if (this.state.step !== this.#saved) return this.#save();
    if (await this.#estimates.measure(this.#client)) return;
    return this.#errands.sleep(this.refining.due(now) ?? undefined);
  }

  /** A wish that cannot be met is refused, and training goes on. */
  async #attend(errand: Errand): Promise<void> {
    try {
      await errand();
    } catch (error) {
      if (!(error instanceof SessionError) || error.severe || !this.state.summary) throw error;
      this.#tell('bad', error.failure.message, error.failure.hint);
    }
  }

  #happen(happening: Happening): void {
    this.state = reduce(this.state, happening);
  }

  #tell(tone: Notice['tone'], message: string, hint: string): void {
    this.notice = { tone, message: sentence(message), hint };
  }

  async #step(): Promise<void> {
    const n = this.phase === 'training' ? this.#batch : 1;
    if (this.phase !== 'training') this.#single -= 1;
    this.stepping = true;
    const before = performance.now();
    const { reports } = await this.#client
      .ask({ type: 'step', n }, 'stepped')
      .finally(() => (this.stepping = false));
    const ms = performance.now() - before;
    if (reports.length === 0) {
      this.phase = 'done';
      return;
    }
    const from = this.state.step;
    this.#happen({ type: 'stepped', reports, ms });
    this.#batch = Math.max(1, Math.min(200, Math.round((n * SLICE) / Math.max(1, ms))));
    const every = this.state.summary?.config.train.eval_interval ?? 100;
    this.#due.validate = Math.floor(from / every) < Math.floor(this.state.step / every);
    this.refining.refresh();
    this.#answers.age(performance.now());
    if (this.state.step >= (this.state.summary?.config.train.max_iters ?? Infinity)) {
      this.phase = 'done';
      await this.#validate();
      await this.#save();
    }
  }

  async #validate(): Promise<void> {
    this.#due.validate = false;
    const summary = this.state.summary;
    if (!summary?.trainable || summary.val_tokens < 2) return;
    const depths = telling(summary.config.model.recursion_steps);
    const command = { type: 'evaluate', depths, max_tokens: VALIDATION_TOKENS } as const;
    const { step, depths: losses } = await this.#client.ask(command, 'evaluated');
    this.#happen({ type: 'validated', validation: { step, depths: losses } });
  }

  /** Reads out the prompt and how the second text goes on. */
  #refine({ model }: RunConfig): Promise<void> {
    const { prompt, depthA, depthB } = this.question;
    const depth = Math.min(DEEPEST, Math.max(4, depthA, depthB));
    const text = prompt + this.answers[1].text;
    return this.refining.read(this.#client, text, depth, model.block_size);
  }

  /** Goes on with the texts; whether there was anything to do. */
  async #answer(now: number): Promise<boolean> {
    const { question, state } = this;
    const done = await this.#answers.advance(this.#client, question, state.step, now);
    if (done === 'written') this.refining.refresh();
    return done !== 'idle';
  }

  // ── Runs ─────────────────────────────────────────────────────────────────

  async #open(): Promise<void> {
    const { device, software } = this.#address;
    this.device = await this.#client.open({ device, software, base: document.baseURI });
  }

  /** Resumes the last run; another one that the address asks for takes its place. */
  async #begin(): Promise<void> {
    const { explicit, preset: name, config } = this.#address;
    const last = await this.#keeper.current();
    await this.#list();
    this.keeps = await this.#keeper.mine;
    if (!this.keeps) this.#tell('bad', ...ELSEWHERE);
    if (last) {
      await this.#resume(last);
      if (!explicit || (this.state.summary && same(this.state.summary.config, config))) return;
    }
    const asked = async () => {
      await this.#create(config, null);
      this.#nameAs(name);
    };
    if (last) return this.#replace(asked);
    try {
      await asked();
    } catch (error) {
      if (!(error instanceof SessionError) || error.severe) throw error;
      // The address asks for what cannot be: say so, and begin with what can.
      await this.#create(preset(DEFAULT_PRESET) ?? config, null);
      this.#nameAs(DEFAULT_PRESET);
      this.#tell('bad', error.failure.message, error.failure.hint);
    }
  }

  async #list(): Promise<void> {
    this.kept = (await this.#keeper.kept()) ?? this.kept;
  }

  /** Puts another run in the place of this one, which is kept. */
  async #replace(next: () => Promise<void>, taken: string | null = null): Promise<void> {
    const { step } = this.state;
    if (step > 0 && !(await this.#save()) && this.#unkept !== step) {
      this.#unkept = step;
      this.#tell(
        'bad',
        'This run could not be kept in the browser, so it was not replaced.',
        'Save its checkpoint first. Asked again, the page lets it go.',
      );
      return;
    }
    const before = this.notice;
    await next();
    // Only now: a refused successor must not push out what is running.
    this.#keeper.succeed(taken);
    await this.#save();
    await this.#list();
    this.#revived = 0;
    if (this.notice === before) this.notice = null;
  }

  async #create(wanted: RunConfig, text: string | null): Promise<void> {
    const summary = await this.#trainee.create(this.#client, wanted, text);
    this.question.prompt = readable(this.question.prompt, summary, text);
    this.#began({ type: 'began', summary, history: null });
    const substitute = substituted(wanted, summary);
    if (substitute && text === null) {
      this.#tell('bad', substitute, 'Paste or drop the text to learn from it.');
    }
  }

  async #resume({ checkpoint, optimizer, text, history, preset: name }: KeptRun): Promise<void> {
    const summary = await this.#trainee.load(this.#client, checkpoint, optimizer, text);
    this.#began({ type: 'began', summary, history });
    this.#nameAs(name);
  }

  #began(happening: Extract<Happening, { type: 'began' }>): void {
    this.#happen(happening);
    const { summary } = happening;
    this.draft = summary.config;
    this.phase = summary.step >= summary.config.train.max_iters ? 'done' : 'paused';
    this.#single = 0;
    this.#batch = 1;
    this.savedAt = null;
    this.#saved = summary.step;
    this.#unkept = null;
    this.refining.forget();
    this.#due = {
      save: performance.now() + SAVE_EVERY,
      validate: happening.history === null || happening.history.validation.length === 0,
    };
    this.#answers.forget();
    this.#remember();
  }

  /** Whether the run is kept now. */
  async #save(): Promise<boolean> {
    this.#due.save = performance.now() + SAVE_EVERY;
    if (!this.state.summary || this.phase === 'broken') return false;
    const progress = this.state.step > this.#saved;
    // Also when it fails: the next step tries again.
    this.#saved = this.state.step;
    const snapshot = await this.#trainee.keepable(this.#client, this.preset, this.state);
    if (!(await this.#keeper.save(snapshot))) return false;
    this.savedAt = snapshot.savedAt;
    if (progress) this.#revived = 0;
    return true;
  }

  #nameAs(name: string): void {
    this.preset = name;
    this.#remember();
  }

  #remember(): void {
    this.#bar.write(this.#link());
  }

  #link(): string {
    const { preset: name, question } = this;
    const config = this.state.summary?.config ?? this.draft;
    const { device, software } = this.#address;
    return write({ preset: name, config, question, device, software });
  }

  // ── Trouble ──────────────────────────────────────────────────────────────

  async #trouble(error: unknown): Promise<void> {
    if (!(error instanceof SessionError)) {
      const message = error instanceof Error ? error.message : String(error);
      this.#tell(
        'bad',
        `Something went wrong: ${message}`,
        'Reload the page to go on from the last save.',
      );
      if (!this.state.summary) this.phase = 'broken';
      return;
    }
    const { failure } = error;
    if (error.severe || failure.kind === 'diverged') {
      try {
        await this.#revive(failure.message, failure.hint, error.severe);
      } catch (again) {
        this.phase = 'broken';
        const hint = 'Reload the page; the last save is kept.';
        this.#tell('bad', again instanceof Error ? again.message : failure.message, hint);
      }
      return;
    }
    this.#tell('bad', failure.message, failure.hint);
    if (this.phase === 'training') this.phase = 'paused';
    if (!this.state.summary) this.phase = 'broken';
  }

  /** Starts a new worker and goes on from the last save. */
  async #revive(message: string, hint: string, goOn: boolean): Promise<void> {
    this.#revived += 1;
    if (this.#revived > 3) {
      this.phase = 'broken';
      const advice = 'It happened again and again. Reload the page; the last save is kept.';
      this.#tell('bad', message, advice);
      return;
    }
    const training = this.phase === 'training';
    const lost = this.state.step;
    this.#client.terminate();
    this.#client = this.#spawn();
    await this.#open();
    const last = await this.#keeper.latest();
    if (last) await this.#resume(last);
    else await this.#create(this.draft, this.#trainee.text);
    // A run that diverged would do so again; a crash is no fault of its own.
    if (goOn && training && this.phase === 'paused') this.phase = 'training';
    const went = `Went back from step ${lost} to the last save, step ${this.state.step}.`;
    this.#tell('bad', message, `${went} ${hint}`);
  }
}
