// Accuracy on held-out images, measured on request: after every outer step, which classes
// are confused, and the images of a confusion.

import type { SessionClient } from '../../client/client';
import type { ImageScores, ImageSplit, ShownImage } from '../../gen';
import { imagesOf, type Pair, samePair } from './confusion';

/** Images of a confusion that are shown. */
export const MOST_SHOWN = 24;

/** The splits that can be measured. */
export type MeasuredSplit = Exclude<ImageSplit, 'train'>;

/** How a model was run. */
export interface Depth {
  readonly inner: number;
  readonly outer: number;
}

/** Scores of the model as it was at a step of training. */
export interface Measured extends Depth {
  readonly step: number;
  /** After `outer` steps; the confusions are of the last of them. */
  readonly scores: ImageScores;
  /** After up to twice as many; `null` while they are measured, and without recursion. */
  readonly beyond: ImageScores['steps'] | null;
}

/** An image that was classified wrongly. */
export interface WrongImage {
  readonly index: number;
  readonly image: ShownImage;
}

export class Measuring {
  split = $state<MeasuredSplit>('test');
  /** Whether a measurement was asked for and is not complete. */
  busy = $state(false);
  measured = $state.raw<Measured | null>(null);
  /** The confusion whose images are shown. */
  pair = $state.raw<Pair | null>(null);
  wrong = $state.raw<readonly WrongImage[]>([]);

  #asked: 'all' | 'beyond' | null = null;
  #unseen = false;

  ask(): void {
    this.busy = true;
    this.#asked = 'all';
  }

  choose(pair: Pair): void {
    this.pair = samePair(this.pair, pair) ? null : pair;
    this.wrong = [];
    this.#unseen = this.pair !== null;
  }

  turn(split: MeasuredSplit): void {
    this.split = split;
    this.forget();
  }

  /** Another model: its scores are unknown. */
  forget(): void {
    this.busy = false;
    this.measured = null;
    this.pair = null;
    this.wrong = [];
    this.#asked = null;
    this.#unseen = false;
  }

  /** Asks for what is missing; returns whether there was anything. */
  async next(client: SessionClient, depth: Depth, recursive: boolean): Promise<boolean> {
    if (this.#unseen) {
      await this.#show(client);
      return true;
    }
    if (this.#asked === 'all') {
      this.#asked = recursive ? 'beyond' : null;
      await this.#guarded(() => this.#measure(client, depth));
    } else if (this.#asked === 'beyond') {
      this.#asked = null;
      await this.#guarded(() => this.#measureBeyond(client));
    } else return false;
    return true;
  }

  async #guarded(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#asked = null;
      throw error;
    } finally {
      this.busy = this.#asked !== null;
    }
  }

  async #measure(client: SessionClient, { inner, outer }: Depth): Promise<void> {
    const { step, scores } = await evaluate(client, this.split, { inner, outer });
    if (scores.split !== this.split) return;
    this.measured = { step, inner, outer, scores, beyond: null };
    this.pair = null;
    this.wrong = [];
  }

  async #measureBeyond(client: SessionClient): Promise<void> {
    const { measured, split } = this;
    if (!measured) return;
    const { inner, outer } = measured;
    const { step, scores } = await evaluate(client, split, { inner, outer: 2 * outer });
    // Another split, or training that went on: the two would not belong together.
    if (this.measured !== measured || step !== measured.step) return;
    this.measured = { ...measured, beyond: scores.steps };
  }

  async #show(client: SessionClient): Promise<void> {
    this.#unseen = false;
    const { measured, pair, split } = this;
    if (!measured || !pair) return;
    const indexes = imagesOf(measured.scores.mistakes, pair).slice(0, MOST_SHOWN);
    const { images } = await client.ask({ type: 'show_images', split, indexes }, 'images');
    if (!samePair(this.pair, pair)) return;
    this.wrong = indexes.flatMap((index, i) => {
      const image = images[i];
      return image ? [{ index, image }] : [];
    });
  }
}

function evaluate(client: SessionClient, split: ImageSplit, { inner, outer }: Depth) {
  return client.ask(
    {
      ...{ type: 'evaluate_images', split, images: 0 },
      ...{ inner_steps: inner, outer_steps: outer },
    },
    'images_evaluated',
  );
}
