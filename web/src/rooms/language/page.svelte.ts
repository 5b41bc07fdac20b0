// State and actions of the language page.

import type { SessionClient } from '../../client/client';
import type { SavedRuns } from '../../run/saved-runs';
import { type ResolvedOptions } from './resolved-options';
import { DEFAULT_PRESET, preset } from '../../run/presets';
import { tabs } from '../../ui/tabs.svelte';
import { type PageAddress, type PromptOptions, write } from './url';
import type { Answer } from './answer.svelte';
import { RunController } from '../../run/controller.svelte';
import type { Cursor } from '../../run/cursor.svelte';
import type { DepthLosses } from './depth-losses.svelte';
import type { Drafting } from './drafting.svelte';
import { chunkSizeOf } from './chunks';
import { TextDatasets } from './datasets';
import { Comparison } from './comparison.svelte';
import { Estimates } from './estimates.svelte';
import type { FollowedText, Refining } from './refining.svelte';
import { type Lexicon, lexiconOf } from './lexicon';
import { LanguageRun, type Part } from './language-run.svelte';

/** Shorter pasted texts are ignored. */
const SHORTEST_PASTE = 1000;

export class LanguagePage extends RunController<LanguageRun> {
  readonly comparison: Comparison;
  /** Words of the training text; `null` where it is not known, or not read yet. */
  lexicon = $state.raw<Lexicon | null>(null);

  readonly #datasets: TextDatasets;
  /** The text whose words were read. */
  #read = '';

  readonly #address: PageAddress;
  readonly #estimates = new Estimates();

  constructor(address: PageAddress, spawn: () => SessionClient, store: SavedRuns) {
    const datasets = new TextDatasets();
    super({
      family: 'language',
      datasets,
      wish: address,
      ...{ spawn, store, preset: address.preset, standard: DEFAULT_PRESET },
      run: (machine) => new LanguageRun(machine, address),
    });
    this.#datasets = datasets;
    datasets.missing = (error) => this.notices.fail(error);
    this.#address = address;
    this.comparison = new Comparison(
      {
        spawn,
        wish: address,
        quiet: () => this.enqueue(() => this.pauseAndSave()),
        text: async () => ({
          corpus: await datasets.text(this.current.own),
          own: this.current.own,
        }),
        remember: () => this.remember(),
      },
      address.comparison,
    );
    this.complain(address.problems);
  }

  /** Resumes the last run or starts one, and runs until the page closes. */
  live(): Promise<never> {
    return this.loop.live(() => this.runs.begin(this.#address, this.#address.handed));
  }

  /** Whether the current model drafts several tokens at once. */
  get drafts(): boolean {
    return chunkSizeOf(this.state.summary?.config.model) > 1;
  }
  get options(): PromptOptions {
    return this.run.options;
  }
  /** The prompt and options, with defaults of the current model filled in. */
  get resolved(): ResolvedOptions {
    return this.run.resolved;
  }
  /** The text that is watched being written. */
  get watched(): Answer {
    return this.run.answers.watched;
  }
  get compared(): readonly Answer[] {
    return this.run.answers.compared;
  }
  get refining(): Refining {
    return this.run.refining;
  }
  get drafting(): Drafting {
    return this.run.drafting;
  }

  get depthLosses(): DepthLosses {
    return this.run.depthLosses;
  }
  get cursor(): Cursor {
    return this.run.cursor;
  }
  /** The text that the grid follows. */
  get followed(): FollowedText {
    return this.run.followed;
  }
  /** That text as it is now. */
  get followedText(): string {
    return this.run.followedText;
  }
  /** Milliseconds per step, by preset. */
  get estimates(): Readonly<Record<string, number>> {
    return this.#estimates.known;
  }

  override train(): void {
    super.train();
    // Only one run trains at a time.
    if (this.phase === 'training') this.comparison.pause();
  }

  /**
   * Starts a new run on the visitor's own text, or on Shakespeare for `null`. `train`: whether
   * it is trained at once, and shown.
   */
  chooseText(name: string, text: string | null, size = this.size, train = false): void {
    this.replaceRun(async () => {
      const base = (size === null ? null : preset(size)) ?? this.draft;
      const config = { ...base, data: { ...base.data, dataset: name } };
      // Only what could be saved, and has changed, is in the Library afterwards.
      const { autosave, current, state } = this;
      const left = state.step > 0 && autosave.works && !current.untouched;
      await this.current.create(config, text, size ?? undefined);
      if (text === null) return;
      if (train) {
        this.train();
        tabs.show('train');
      }
      const hints = [
        ...(left ? ['The previous run is saved in the Library.'] : []),
        ...(train ? [] : ['Press Train to start.']),
      ];
      const length = text.length.toLocaleString('en-US');
      this.notices.tell(
        'good',
        `This run trains on “${name}” (${length} characters).`,
        hints.join(' '),
      );
    });
  }

  /**
   * The preset that a text of the visitor's own is learned by: a small one where a
   * pre-trained model is open; `null` for the settings of the current run.
   */
  get size(): string | null {
    return this.current.origin ? DEFAULT_PRESET : null;
  }

  takeText(name: string, text: string): void {
    this.chooseText(name, text);
  }

  takePasted(text: string): void {
    if (text.length >= SHORTEST_PASTE) this.chooseText('pasted text', text);
  }

  /** Changes the prompt or the options. */
  setOptions(change: Partial<PromptOptions>): void {
    const { prompt } = this.options;
    Object.assign(this.options, change);
    // The appended chunks belong to the old prompt.
    if (this.options.prompt !== prompt) this.drafting.restart();
    this.run.renew();
    this.bar.soon(this.address());
    this.queue.poke();
  }

  /** Lets the grid follow the generated text or the fixed text. */
  follow(text: FollowedText): void {
    this.run.chosenText = text;
    this.run.refining.hurry();
    this.queue.poke();
  }

  /** Selects a cell of the grid. */
  point(cycle: number | null, at: number | null): void {
    this.run.cursor.set(cycle, at);
    this.run.refining.hurry();
    this.queue.poke();
  }

  /** Appends the drafted chunk to the text, and drafts the next one. */
  take(): void {
    this.drafting.take(this.options.prompt);
    this.queue.poke();
  }

  /** Drafts from the prompt again. */
  startOver(): void {
    this.drafting.restart();
    this.queue.poke();
  }

  /** A section of the page becomes visible, or is no longer visible. */
  look(part: Part, seen: boolean): void {
    this.run.look(part, seen);
    if (seen) this.queue.poke();
  }

  /** Measures a preset when there is nothing else to do, to estimate its training time. */
  estimate(name: string): void {
    this.#estimates.want(name);
    this.queue.poke();
  }

  protected async fromNothing(name: string): Promise<void> {
    const config = preset(name);
    if (!config) return;
    const { dataset } = this.draft.data;
    const next = { ...config, data: { ...config.data, dataset } };
    await this.current.create(next, this.current.own, name);
  }

  protected async spare(): Promise<boolean> {
    if (await this.#readWords()) return true;
    return !this.comparison.busy && (await this.#estimates.measure(this.machine.client));
  }

  /** Reads the words of the training text, once for each; whether there was anything to do. */
  async #readWords(): Promise<boolean> {
    const { summary } = this.state;
    if (!summary) return false;
    const { own } = this.current;
    const { trainable } = summary;
    const text = `${summary.config.data.dataset} ${trainable} ${own?.length} ${own?.slice(0, 99)}`;
    if (this.#read === text) return false;
    this.#read = text;
    this.lexicon = null;
    // A model that was trained on another text has other words.
    if (trainable) this.lexicon = lexiconOf(await this.#datasets.text(this.current.own));
    return true;
  }

  protected address(): string {
    const { options } = this;
    const { preset, origin } = this.current;
    const comparison = this.comparison.open ? this.comparison.plan : null;
    const config = this.state.summary?.config ?? this.draft;
    const { device, software } = this.#address;
    const wish = { device, software, cores: this.cores.chosen };
    return write({ preset, config, origin, options, comparison, ...wish });
  }
}
