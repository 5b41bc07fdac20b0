// What happens when. One loop asks the worker for one thing at a time: a piece
// of text, some training, a validation, a save. Pausing is not asking.

import { type RunConfig, type Trace, type Vocab } from '../gen';
import { SessionClient, SessionError } from '../client/client';
import { CURRENT, type KeptRun, type Shelf } from '../state/keep';
import { type Happening, type History, NO_RUN, reduce, type RunState } from '../state/run';
import { DEEPEST, type PageAddress, preset, type Question, same, write } from '../state/url';
import type { OpenedDevice } from '../worker/protocol';
import { Corpora } from './corpora';
import { Answer } from './answer.svelte';

export interface Notice {
  readonly tone: 'bad' | 'good';
  readonly message: string;
  readonly hint: string;
}

export type Phase = 'opening' | 'paused' | 'training' | 'done' | 'broken';

/** Milliseconds of training in one request: short enough to stay answerable. */
const SLICE = 200;
const SAVE_EVERY = 20_000;
const SAMPLE_EVERY = 4_000;
const TRACE_EVERY = 1_500;
/** Positions in the refinement grid. */
const GRID = 26;
/** Validation tokens per estimate in the tab. */
const VALIDATION_TOKENS = 4096;

export class Lab {
  state = $state.raw<RunState>(NO_RUN);
  phase = $state<Phase>('opening');
  device = $state.raw<OpenedDevice | null>(null);
  notice = $state.raw<Notice | null>(null);
  trace = $state.raw<{ trace: Trace; vocab: Vocab; step: number } | null>(null);
  kept = $state.raw<readonly KeptRun[]>([]);
  estimates = $state.raw<Readonly<Record<string, number>>>({});
  savedAt = $state<number | null>(null);
  preset = $state('');
  /** What the settings form shows; a new run takes it over. */
  draft: RunConfig;
  question: Question;
  readonly answers: readonly [Answer, Answer];

  readonly #address: PageAddress;
  readonly #spawn: () => SessionClient;
  readonly #shelf: Shelf;
  readonly #corpora = new Corpora();
  #client: SessionClient;
  #text: string | null = null;
  #wake: () => void = () => undefined;
  #awake = Promise.resolve();
  #errands: (() => Promise<void>)[] = [];
  /** Presets still to be timed, when there is nothing better to do. */
  #untimed: string[] = [];
  #single = 0;
  #batch = 1;
  #due = { save: 0, sample: 0, trace: true as boolean, traceAt: 0, validate: false };
  /** Whether the last turn was spent on text. */
  #wrote = false;
  #revived = 0;

  constructor(address: PageAddress, spawn: () => SessionClient, shelf: Shelf) {
    this.#address = address;
    this.#spawn = spawn;
    this.#shelf = shelf;
    this.#client = spawn();
    this.preset = address.preset;
    this.draft = $state.raw(address.config);
    this.question = $state(address.question);
    this.answers = [new Answer(), new Answer()];
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

  train(): void {
    if (this.phase !== 'paused' && this.phase !== 'done') return;
    this.phase = 'training';
    this.#poke();
  }

  pause(): void {
    if (this.phase !== 'training') return;
    this.phase = 'paused';
    this.#do(() => this.#save());
  }

  /** Trains one step. */
  single(): void {
    if (this.phase !== 'paused') return;
    this.#single += 1;
    this.#poke();
  }

  /** Starts over with the draft; the present run is set aside. */
  restart(): void {
    this.#do(async () => {
      const { config, text } = { config: this.draft, text: this.#text };
      await this.#replace(() => this.#create(config, text));
    });
  }

  choosePreset(name: string): void {
    const config = preset(name);
    if (!config) return;
    this.preset = name;
    this.draft = config;
    this.restart();
  }

  /** Starts over on a text of the visitor's own, or on Shakespeare for `null`. */
  chooseText(name: string, text: string | null): void {
    this.#do(async () => {
      const dataset = text === null ? 'shakespeare' : name;
      const config = { ...this.draft, data: { ...this.draft.data, dataset } };
      await this.#replace(() => this.#create(config, text));
    });
  }

  /** Applies the settings that need no restart. */
  configure(): void {
    this.#do(async () => {
      const { learning_rate, max_iters } = this.draft.train;
      const settings = { learning_rate, max_iters };
      const { summary } = await this.#client.ask({ type: 'configure', settings }, 'ready');
      this.#happen({ type: 'changed', summary });
      if (this.phase === 'done' && this.state.step < max_iters) this.phase = 'paused';
    });
  }

  /** Takes up a checkpoint that was dropped or chosen. */
  openCheckpoint(bytes: Uint8Array): void {
    this.#do(async () => {
      await this.#replace(() => this.#load(bytes, null, this.#text, null));
      this.#tell('good', `Checkpoint loaded at step ${this.state.step}.`, this.#loadedHint());
    });
  }

  async download(): Promise<Uint8Array | null> {
    return new Promise((resolve) => {
      this.#do(async () => {
        try {
          const { saved } = await this.#client.ask({ type: 'save' }, 'saved');
          resolve(saved.checkpoint);
        } finally {
          resolve(null);
        }
      });
    });
  }

  restore(run: KeptRun): void {
    this.#do(async () => {
      await this.#shelf.remove(run.id);
      await this.#replace(() => this.#resume(run));
    });
  }

  discard(run: KeptRun): void {
    this.#do(async () => {
      await this.#shelf.remove(run.id);
      this.kept = await this.#shelf.kept();
    });
  }

  /** The question changed: both answers begin again, with the same luck. */
  asked(): void {
    this.#due.sample = 0;
    this.#due.trace = true;
    for (const answer of this.answers) answer.stale = true;
    this.#remember();
    this.#poke();
  }

  /** Keeps what was learned, because the page may be closing. */
  keepNow(): void {
    this.#do(() => this.#save());
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
    this.#untimed = [...names];
    this.#poke();
  }

  // ── The loop ─────────────────────────────────────────────────────────────

  async #turn(): Promise<void> {
    const errand = this.#errands.shift();
    if (errand) return errand();
    if (this.phase === 'broken' || !this.state.summary) return this.#sleep();
    const now = performance.now();
    // Text and training take turns, so that neither waits for the other on a slow device.
    if (!this.#wrote && (await this.#answer(now))) {
      this.#wrote = true;
      return;
    }
    this.#wrote = false;
    if (this.#due.trace && now >= this.#due.traceAt) return this.#traceNow(now);
    if (this.#due.validate) return this.#validate();
    if (this.phase === 'training' && now >= this.#due.save) return this.#save();
    if (this.phase === 'training' || this.#single > 0) return this.#step();
    if (await this.#answer(now)) return;
    const untimed = this.#untimed.shift();
    if (untimed !== undefined) return this.#time(untimed);
    if (this.#due.trace) return this.#sleep(this.#due.traceAt - now);
    return this.#sleep();
  }

  #sleep(ms?: number): Promise<void> {
    this.#awake = new Promise((resolve) => {
      this.#wake = resolve;
      if (ms !== undefined) setTimeout(resolve, ms);
    });
    return this.#awake;
  }

  #poke(): void {
    this.#wake();
  }

  #do(errand: () => Promise<void>): void {
    this.#errands.push(errand);
    this.#poke();
  }

  #happen(happening: Happening): void {
    this.state = reduce(this.state, happening);
  }

  #tell(tone: Notice['tone'], message: string, hint: string): void {
    this.notice = { tone, message, hint };
  }

  async #step(): Promise<void> {
    const n = this.phase === 'training' ? this.#batch : 1;
    if (this.phase !== 'training') this.#single -= 1;
    const before = performance.now();
    const { reports } = await this.#client.ask({ type: 'step', n }, 'stepped');
    const ms = performance.now() - before;
    if (reports.length === 0) {
      this.phase = 'done';
      await this.#save();
      return;
    }
    const from = this.state.step;
    this.#happen({ type: 'stepped', reports, ms });
    this.#batch = Math.max(1, Math.min(200, Math.round((n * SLICE) / Math.max(1, ms))));
    const every = this.state.summary?.config.train.eval_interval ?? 100;
    this.#due.validate = Math.floor(from / every) < Math.floor(this.state.step / every);
    this.#due.trace = true;
    if (performance.now() >= this.#due.sample) {
      for (const answer of this.answers) answer.stale = true;
      this.#due.sample = performance.now() + SAMPLE_EVERY;
    }
    if (this.state.step >= (this.state.summary?.config.train.max_iters ?? Infinity)) {
      this.phase = 'done';
      this.#due.validate = true;
      await this.#save();
    }
  }

  async #validate(): Promise<void> {
    this.#due.validate = false;
    const summary = this.state.summary;
    if (!summary?.trainable || summary.val_tokens < 2) return;
    const depths = [...new Set([1, 2, 4, summary.config.model.recursion_steps])].sort(
      (a, b) => a - b,
    );
    const command = { type: 'evaluate', depths, max_tokens: VALIDATION_TOKENS } as const;
    const { step, depths: losses } = await this.#client.ask(command, 'evaluated');
    this.#happen({ type: 'validated', validation: { step, depths: losses } });
  }

  async #traceNow(now: number): Promise<void> {
    this.#due.trace = false;
    this.#due.traceAt = now + TRACE_EVERY;
    const block = this.state.summary?.config.model.block_size ?? 1;
    // The prompt and how the second text goes on, as far as a grid can be read.
    const whole = [...(this.question.prompt + this.answers[1].text)];
    const prompt = whole.slice(0, Math.min(GRID, block)).join('');
    const depth = Math.max(4, this.question.depthA, this.question.depthB);
    const command = { type: 'trace', prompt, depth: Math.min(DEEPEST, depth), top: 3 } as const;
    try {
      const { trace, vocab, step } = await this.#client.ask(command, 'traced');
      this.trace = { trace, vocab, step };
    } catch (error) {
      // The answers say what is wrong with the prompt; once is enough.
      this.trace = null;
      if (!(error instanceof SessionError) || error.crashed) throw error;
    }
  }

  async #time(name: string): Promise<void> {
    const config = preset(name);
    if (!config) return;
    const probe = await this.#client.ask({ type: 'probe', config, steps: 2 }, 'probed');
    this.estimates = { ...this.estimates, [name]: probe.ms_per_step };
  }

  /** Goes on with the texts; whether there was anything to do. */
  async #answer(now: number): Promise<boolean> {
    const depths = [this.question.depthA, this.question.depthB];
    for (const [i, answer] of this.answers.entries()) {
      const depth = depths[i] ?? 1;
      if (await answer.advance(this.#client, { ...this.question, depth }, this.state.step)) {
        if (!answer.writing) {
          this.#due.sample = now + SAMPLE_EVERY;
          this.#due.trace = true;
        }
        return true;
      }
    }
    return false;
  }

  // ── Runs ─────────────────────────────────────────────────────────────────

  async #open(): Promise<void> {
    const { device, software } = this.#address;
    this.device = await this.#client.open({ device, software, base: document.baseURI });
  }

  /** Resumes the last run, unless the address asks for another. */
  async #begin(): Promise<void> {
    const last = await this.#quietly(() => this.#shelf.load(CURRENT));
    this.kept = (await this.#quietly(() => this.#shelf.kept())) ?? [];
    if (last && !this.#address.explicit) {
      await this.#resume(last);
      return;
    }
    if (last) {
      await this.#resume(last);
      if (this.state.summary && same(this.state.summary.config, this.#address.config)) return;
      this.draft = this.#address.config;
      this.preset = this.#address.preset;
      await this.#replace(() => this.#create(this.#address.config, null));
      return;
    }
    await this.#create(this.#address.config, null);
  }

  /** Puts another run in the place of this one, which is kept. */
  async #replace(next: () => Promise<void>): Promise<void> {
    if (this.state.step > 0) await this.#save();
    const failed = this.notice;
    await next();
    // Only now: a refused successor must not push out what is running.
    await this.#quietly(async () => {
      const successor = await this.#snapshot();
      await this.#shelf.setAside();
      await this.#shelf.save(successor);
    });
    this.kept = (await this.#quietly(() => this.#shelf.kept())) ?? this.kept;
    if (this.notice === failed) this.notice = null;
  }

  async #create(config: RunConfig, text: string | null): Promise<void> {
    const corpus = text ?? (await this.#corpora.shakespeare());
    const { summary } = await this.#client.ask({ type: 'create', config, text: corpus }, 'ready');
    this.#text = text;
    this.#began({ type: 'began', summary, history: null });
  }

  async #load(
    checkpoint: Uint8Array,
    optimizer: Uint8Array | null,
    text: string | null,
    history: History | null,
  ): Promise<void> {
    const corpus = text ?? (await this.#corpora.shakespeare());
    const command = { type: 'load', checkpoint, optimizer } as const;
    try {
      const { summary } = await this.#client.ask({ ...command, text: corpus }, 'ready');
      this.#text = text;
      this.#began({ type: 'began', summary, history });
    } catch (error) {
      if (!(error instanceof SessionError) || error.failure.kind !== 'corpus') throw error;
      // Another text than the one at hand: the model can still be asked.
      const { summary } = await this.#client.ask({ ...command, text: null }, 'ready');
      this.#text = text;
      this.#began({ type: 'began', summary, history });
    }
  }

  async #resume(run: KeptRun): Promise<void> {
    this.preset = run.preset;
    await this.#load(run.checkpoint, run.optimizer, run.text, run.history);
  }

  #began(happening: Extract<Happening, { type: 'began' }>): void {
    this.#happen(happening);
    const { summary } = happening;
    this.draft = summary.config;
    this.phase = summary.step >= summary.config.train.max_iters ? 'done' : 'paused';
    this.#single = 0;
    this.#batch = 1;
    this.trace = null;
    this.savedAt = null;
    this.#due = {
      save: performance.now() + SAVE_EVERY,
      sample: 0,
      trace: true,
      traceAt: 0,
      validate: happening.history === null || happening.history.validation.length === 0,
    };
    for (const answer of this.answers) answer.forget();
    this.#remember();
  }

  #loadedHint(): string {
    return this.state.summary?.trainable
      ? 'Train goes on from here; the optimiser starts afresh.'
      : 'Its characters differ from the text at hand: drop the text it was trained on to go on training.';
  }

  async #snapshot(): Promise<KeptRun> {
    const { saved } = await this.#client.ask({ type: 'save' }, 'saved');
    const { training, validation, elapsed, summary } = this.state;
    return {
      id: CURRENT,
      preset: this.preset,
      dataset: summary?.config.data.dataset ?? '',
      text: this.#text,
      step: saved.step,
      savedAt: Date.now(),
      checkpoint: saved.checkpoint,
      optimizer: saved.optimizer,
      history: { training, validation, elapsed },
    };
  }

  async #save(): Promise<void> {
    this.#due.save = performance.now() + SAVE_EVERY;
    if (!this.state.summary || this.phase === 'broken') return;
    const snapshot = await this.#snapshot();
    const kept = await this.#quietly(async () => {
      await this.#shelf.save(snapshot);
      return true;
    });
    if (kept) this.savedAt = snapshot.savedAt;
  }

  /** Browser storage may be full or forbidden: then say so and go on. */
  async #quietly<T>(work: () => Promise<T>): Promise<T | null> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof SessionError) throw error;
      const full = error instanceof DOMException && error.name === 'QuotaExceededError';
      this.#tell(
        'bad',
        full
          ? 'The browser has no room left to keep this run.'
          : 'The browser cannot keep this run.',
        'Download the checkpoint: closing the tab would lose what was learned since the last save.',
      );
      return null;
    }
  }

  #remember(): void {
    const { preset: name, draft: config, question } = this;
    const { device, software } = this.#address;
    const address = write({ preset: name, config, question, device, software });
    history.replaceState(null, '', address + location.hash);
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
    const { failure, crashed } = error;
    if (crashed || failure.kind === 'device' || failure.kind === 'diverged') {
      await this.#revive(failure.message, failure.hint);
      return;
    }
    this.#tell('bad', failure.message, failure.hint);
    if (this.phase === 'training') this.phase = 'paused';
    if (!this.state.summary) this.phase = 'broken';
  }

  /** Starts a new worker and goes on from the last save. */
  async #revive(message: string, hint: string): Promise<void> {
    this.#revived += 1;
    if (this.#revived > 3) {
      this.phase = 'broken';
      this.#tell(
        'bad',
        message,
        'It happened again and again. Reload the page; the last save is kept.',
      );
      return;
    }
    this.#client.terminate();
    this.#client = this.#spawn();
    const lost = this.state.step;
    await this.#open();
    const last = await this.#quietly(() => this.#shelf.load(CURRENT));
    if (last) await this.#resume(last);
    else await this.#create(this.draft, this.#text);
    const went = `Went back from step ${lost} to the last save, step ${this.state.step}.`;
    this.#tell('bad', message, `${went} ${hint}`);
  }
}
