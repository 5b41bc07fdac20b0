// The current language run: training, validation, generated texts, grid, attention.

import type { RunSummary, Vocab } from '../../gen';
import { type History, telling } from '../../run/state';
import { type ResolvedOptions, resolveOptions } from './resolved-options';
import type { PageAddress, PromptOptions } from './url';
import { Answers } from './answers.svelte';
import { Cursor } from '../../run/cursor.svelte';
import { DepthLosses } from './depth-losses.svelte';
import { Drafting } from './drafting.svelte';
import type { Machine } from '../../run/machine.svelte';
import { type FollowedText, Refining } from './refining.svelte';
import { depthOf, lengthOf } from '../../gen';
import { readable } from './prompt';
import { Training } from '../../run/training.svelte';
import { tabs } from '../../ui/tabs.svelte';

/** Validation tokens per estimate in the tab. */
const VALIDATION_TOKENS = 4096;

/** Sections whose results are computed only while they are visible. */
export type Part = 'compared' | 'curve' | 'attention' | 'chunk';

export class LanguageRun extends Training {
  options: PromptOptions;
  readonly answers = new Answers();
  readonly refining = new Refining();
  readonly drafting = new Drafting();
  readonly depthLosses = new DepthLosses();
  readonly cursor = new Cursor();
  /** The text that the grid is told to follow; `null` is the fixed text while training. */
  chosenText = $state<FollowedText | null>(null);
  /** The visitor's own text, where that is what is learned from. */
  text = $state.raw<string | null>(null);

  #unvalidated = false;
  /** Whether the visitor prefers reduced motion: then texts appear without animation. */
  readonly #still = matchMedia('(prefers-reduced-motion: reduce)');
  /** Which of text, grid and draft have had their turn since other work. */
  #wrote = false;
  #refined = false;
  #drafted = false;
  readonly #seen: Record<Part, boolean> = {
    ...{ compared: false, curve: false, attention: false, chunk: false },
  };

  constructor(machine: Machine, { config, options }: Pick<PageAddress, 'config' | 'options'>) {
    super(machine, config);
    this.options = $state(options);
  }

  begin(
    summary: RunSummary,
    text: string | null,
    history: History | null,
    finished: boolean,
  ): void {
    this.begun(summary, history);
    this.text = text;
    this.options.prompt = readable(this.options.prompt, summary, text);
    this.#unvalidated = !finished && !history?.validation.length;
    this.refining.forget();
    this.drafting.forget();
    this.answers.forget();
    this.depthLosses.forget();
    this.cursor.set(null, null);
  }

  /** Prompt and options with the defaults of this model. */
  get resolved(): ResolvedOptions {
    return resolveOptions(this.options, this.state.summary?.config ?? null, this.text);
  }

  /** The text that the grid follows. */
  get followed(): FollowedText {
    return this.chosenText ?? (this.phase === 'training' ? 'reference' : 'written');
  }

  /** That text as it is now. */
  get followedText(): string {
    const { prompt, referenceText } = this.resolved;
    return this.followed === 'reference' ? referenceText : prompt + this.answers.watched.text;
  }

  /** A section of the page becomes visible, or is no longer visible. */
  look(part: Part, seen: boolean): void {
    this.#seen[part] = seen;
    if (seen && part === 'attention') this.refining.hurry();
  }

  override train(): boolean {
    if (!super.train()) return false;
    this.refining.hurry();
    this.#unvalidated ||= this.state.validation.length === 0;
    return true;
  }

  override single(): boolean {
    if (!super.single()) return false;
    this.#unvalidated ||= this.state.validation.length === 0;
    return true;
  }

  /** The prompt or the options changed: all texts start again with the same random seed. */
  renew(): void {
    this.answers.renew(this.resolved);
    this.refining.hurry();
    this.drafting.hurry();
  }

  async respond(now: number): Promise<boolean> {
    // Who trains on another tab sees no text; it is written as soon as this one is open.
    if (this.phase !== 'training' || tabs.open === 'explore') {
      // Neither text nor training waits for the other on a slow device.
      const urgent = this.answers.urgent(this.#seen.compared);
      if ((urgent || !this.#wrote) && (await this.idle(now))) {
        this.#wrote = true;
        return true;
      }
      if (!this.#refined && this.refining.due(now) === 0) {
        await this.#refine();
        this.#refined = true;
        return true;
      }
      if (!this.#drafted && this.#draftDue(now) === 0) {
        await this.#draft();
        this.#drafted = true;
        return true;
      }
    }
    // Other waiting work has its turn now.
    this.#wrote = this.#refined = this.#drafted = false;
    if (this.#unvalidated) {
      await this.#validate();
      return true;
    }
    return this.#measure(now);
  }

  /** Continues the texts. */
  async idle(now: number): Promise<boolean> {
    const { resolved, state, answers } = this;
    answers.watched.traced = this.phase !== 'training';
    answers.slow(this.phase !== 'training' && !this.#still.matches);
    const { client } = this.machine;
    const seen = this.#seen.compared;
    const { step } = state;
    const done = await answers.advance(client, resolved, step, now, seen, this.wanted);
    if (done === 'watched' && this.followed === 'written') this.refining.refresh();
    return done !== 'nothing';
  }

  due(now: number): number | null {
    const dues = [
      ...[this.refining.due(now), this.#draftDue(now)],
      ...[this.answers.due(now, this.#seen.compared), this.#curveDue(now)],
    ];
    const known = dues.filter((due) => due !== null);
    return known.length > 0 ? Math.min(...known) : null;
  }

  protected stepped(from: number): void {
    const every = this.state.summary?.config.train.eval_interval ?? 100;
    this.#unvalidated = Math.floor(from / every) < Math.floor(this.state.step / every);
    this.refining.refresh();
    this.drafting.refresh();
    this.depthLosses.age();
  }

  protected finish(): Promise<void> {
    return this.#validate();
  }

  async #validate(): Promise<void> {
    this.#unvalidated = false;
    const summary = this.state.summary;
    if (!summary?.trainable || summary.val_tokens < 2) return;
    const depths = telling(depthOf(summary.config.model));
    const command = { type: 'evaluate', depths, max_tokens: VALIDATION_TOKENS } as const;
    const { step, depths: losses } = await this.machine.client.ask(command, 'evaluated');
    this.apply({ type: 'validated', validation: { step, depths: losses } });
  }

  /** The losses by depth are measured only where they are looked at. */
  #curveDue(now: number): number | null {
    const { summary } = this.state;
    if (!this.#seen.curve || !summary?.trainable || summary.val_tokens < 2) return null;
    const busy = this.wanted || this.answers.due(now, this.#seen.compared) !== null;
    return this.depthLosses.due(now, busy);
  }

  /** Measures the loss at every depth; whether there was anything to do. */
  async #measure(now: number): Promise<boolean> {
    if (this.#curveDue(now) !== 0) return false;
    await this.depthLosses.measure(this.machine.client, this.state.summary?.val_tokens ?? 0);
    return true;
  }

  /** Traces the generated text or the fixed text. */
  async #refine(): Promise<void> {
    const { prompt, depth } = this.resolved;
    const { summary, step } = this.state;
    if (!summary) return;
    const { client } = this.machine;
    const { vocab, config } = summary;
    const block = lengthOf(config.model);
    const { watched } = this.answers;
    const busy = this.phase === 'training';
    const own = this.followed === 'written' && !watched.stale && watched.step === step;
    // Attention is no part of what generating a text yields.
    if (own && watched.generated && !busy && !this.#seen.attention) {
      await this.refining.follow(client, vocab, prompt, watched.generated, depth, block);
      return;
    }
    const from = this.#seen.attention ? (this.cursor.at ?? 'last') : null;
    await this.refining.read(client, vocab, this.followedText, depth, block, from, busy);
  }

  /** A chunk is drafted only while its section is visible. */
  #draftDue(now: number): number | null {
    return this.#seen.chunk ? this.drafting.due(now) : null;
  }

  #draft(): Promise<void> {
    const { prompt, depth } = this.resolved;
    const [{ client }, busy] = [this.machine, this.phase === 'training'];
    return this.drafting.draft(client, this.#vocab(), prompt, depth, busy);
  }

  /** The vocabulary of the current run. */
  #vocab(): Vocab {
    return this.state.summary?.vocab ?? { kind: 'plain', size: 0 };
  }
}
