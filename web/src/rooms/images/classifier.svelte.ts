// The current run of an image model: training, the classification of the image on the
// stage, and accuracy on held-out images.

import { SessionError } from '../../client/client';
import type { Classification, RunConfig, RunSummary } from '../../gen';
import { Cursor } from '../../run/cursor.svelte';
import { sentence } from '../../run/format';
import type { Machine } from '../../run/machine.svelte';
import type { History } from '../../run/state';
import { Training } from '../../run/training.svelte';
import { countOf } from './count';
import type { StageInput } from './input.svelte';
import { Measuring } from './measuring.svelte';
import { requestOf } from './request';
import { type Shape, shapeOf } from './shape';
import type { Look } from './url';

/** Milliseconds between two classifications of the same image during training. */
const EVERY = 500;
/** Held-out images that are scored during training. */
const FEW_IMAGES = 120;

/** What an address says of the run. */
interface Wanted {
  readonly config: RunConfig;
  readonly look: Look;
  readonly step: number | null;
}

export class Classifier extends Training {
  readonly input: StageInput;
  readonly cursor = new Cursor();
  readonly measuring = new Measuring();
  look: Look;
  /** The answer for the image on the stage; `null` without an image or a model. */
  classified = $state.raw<Classification | null>(null);

  /** Whether the visitor prefers reduced motion: then the last step is shown at once. */
  readonly #still = matchMedia('(prefers-reduced-motion: reduce)');
  /** Whether the image or the model changed since the last request. */
  #stale = true;
  /** Whether the steps of the next answer are played. */
  #play = false;
  #classifyAt = 0;
  #served = false;
  #unscored = false;
  /** Whether the run was opened with its scores. */
  #finished = false;
  /** The outer step that the first answer is shown at. */
  #wanted: number | null;

  constructor(machine: Machine, { config, look, step }: Wanted, input: StageInput) {
    super(machine, config);
    this.input = input;
    this.look = $state({ ...look });
    this.#wanted = step;
  }

  begin(summary: RunSummary, _: string | null, history: History | null, finished: boolean): void {
    const asked = !this.state.summary && this.measuring.busy;
    this.begun(summary, history);
    this.measuring.forget();
    if (asked) this.measure();
    const { config, trainable, train_tokens, val_tokens } = summary;
    this.input.turn(trainable ? `${config.data.dataset} ${train_tokens} ${val_tokens}` : null);
    this.classified = null;
    this.#unscored = false;
    this.#finished = finished;
    this.cursor.set(this.#wanted, null);
    this.hurry(this.#wanted === null);
    this.#wanted = null;
  }

  get shape(): Shape | null {
    return shapeOf((this.state.summary?.config ?? this.draft).model);
  }
  /** Inner and outer steps to run. */
  get inner(): number {
    return this.look.inner ?? this.shape?.inner ?? 1;
  }
  get outer(): number {
    const { shape } = this;
    return (shape?.inner === null ? null : this.look.outer) ?? shape?.outer ?? 1;
  }
  /** Outer steps of the current answer; 0 without one. */
  get answered(): number {
    return this.classified?.steps.length ?? 0;
  }
  /** The selected outer step, from 1. */
  get shown(): number {
    const last = Math.max(1, this.answered);
    return Math.min(this.cursor.cycle ?? last, last);
  }

  /** Measures the accuracy, where there are images for it; of a model that still loads, once it has come. */
  measure(): void {
    if (this.state.summary?.trainable ?? this.phase === 'opening') this.measuring.ask();
  }

  /** The visitor waits for an answer. `play`: shows its steps one after another. */
  hurry(play = this.#play): void {
    this.#stale = true;
    this.#play = play;
    this.#classifyAt = 0;
  }

  override train(): boolean {
    if (!super.train()) return false;
    this.#scoreFirst();
    return true;
  }

  override single(): boolean {
    if (!super.single()) return false;
    this.#scoreFirst();
    return true;
  }

  async respond(now: number): Promise<boolean> {
    // Neither training nor the answer waits for the other.
    if (this.#served) {
      this.#served = false;
      if (this.wanted) return false;
    }
    this.#served = await this.#serve(now);
    return this.#served;
  }

  async #serve(now: number): Promise<boolean> {
    if (this.due(now) === 0) {
      await this.#classify(now);
      return true;
    }
    const { inner, outer, shape, machine } = this;
    if (await this.measuring.next(machine.client, { inner, outer }, shape?.inner !== null)) {
      this.#note();
      return true;
    }
    if (this.#unscored) {
      await this.#score(FEW_IMAGES);
      return true;
    }
    // While it trains, there is no idle time.
    return this.wanted && this.#count();
  }

  idle(): Promise<boolean> {
    return this.#count();
  }

  /** Counts the images of one more split, first of the one on the stage. */
  async #count(): Promise<boolean> {
    const { stored, split: shown, counts } = this.input;
    const split = ([shown, 'test', 'val'] as const).find((each) => counts[each] === undefined);
    if (!stored || !split) return false;
    const { client } = this.machine;
    const count = await countOf(async (index) => {
      try {
        await client.ask({ type: 'show_images', split, indexes: [index] }, 'images');
        return true;
      } catch (error) {
        if (isRefusal(error)) return false;
        throw error;
      }
    });
    this.input.counted(split, count);
    return true;
  }

  due(now: number): number | null {
    return this.#stale && this.state.summary ? Math.max(0, this.#classifyAt - now) : null;
  }

  protected stepped(from: number): void {
    this.#stale = true;
    const every = this.state.summary?.config.train.eval_interval ?? 100;
    this.#unscored ||= Math.floor(from / every) < Math.floor(this.state.step / every);
  }

  protected finish(): Promise<void> {
    return this.#score(0);
  }

  /** One request at a time, for what is on the stage now: what was there meanwhile is left out. */
  async #classify(now: number): Promise<void> {
    this.#stale = false;
    const { input, shape, inner, outer } = this;
    const request = shape && requestOf(input.subject, shape);
    if (!request) {
      this.classified = null;
      return;
    }
    const steps =
      shape.inner === null
        ? { inner_steps: 0, outer_steps: 0 }
        : { inner_steps: inner, outer_steps: outer };
    this.#classifyAt = now + EVERY;
    try {
      const command = { type: 'classify', input: request, ...steps } as const;
      const { classification } = await this.machine.client.ask(command, 'classified');
      this.classified = classification;
    } catch (error) {
      if (!isRefusal(error)) throw error;
      this.classified = null;
      input.problem = `${sentence(error.failure.message)} ${error.failure.hint}`;
      return;
    }
    const watched = this.#play && this.phase !== 'training' && !this.#still.matches;
    this.#play = false;
    if (watched && this.answered > 1) this.cursor.play(this.answered);
  }

  /** The count of a split that was measured as a whole. */
  #note(): void {
    const scores = this.measuring.measured?.scores;
    if (scores) this.input.counted(scores.split, scores.images);
  }

  /** A run that begins here is scored before its first step. */
  #scoreFirst(): void {
    this.#unscored ||= this.state.scored.length === 0 && !this.#finished;
  }

  /** Scores the model on some of the validation images; 0 means all. */
  async #score(images: number): Promise<void> {
    this.#unscored = false;
    const { summary } = this.state;
    if (!summary?.trainable || summary.val_tokens === 0) return;
    const depth = { inner_steps: 0, outer_steps: 0 };
    const command = { type: 'evaluate_images', split: 'val', images, ...depth } as const;
    const { step, scores } = await this.machine.client.ask(command, 'images_evaluated');
    const { images: scored, steps } = scores;
    this.apply({ type: 'scored', scored: { step, images: scored, steps } });
  }
}

/** Whether the model refused an image, and works on. */
function isRefusal(error: unknown): error is SessionError {
  return error instanceof SessionError && !error.severe && error.failure.kind === 'image';
}
