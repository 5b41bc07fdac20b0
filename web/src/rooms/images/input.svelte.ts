// The image on the stage: a drawing, an image of the data, or a picture of the visitor's.

import type { ImageSplit } from '../../gen';
import { type Bitmap, blank, isBlank, type Place, withLine } from './bitmap';
import { isBright, type Picture } from './picture';
import type { Subject } from './request';
import type { NamedImage } from './url';

/** Strokes that can be undone. */
const MOST_UNDONE = 50;

export class StageInput {
  bitmap = $state.raw<Bitmap>(blank());
  /** Whether drawings are made like the images of the data set. */
  fit = $state(true);
  split = $state<ImageSplit>('test');
  index = $state(0);
  picture = $state.raw<Picture | null>(null);
  /** Whether bright and dark are exchanged in the picture. */
  invert = $state(false);
  kind = $state<Subject['kind']>('stored');
  /** Why the model could not read the image. */
  problem = $state<string | null>(null);
  /** Images in each split, as far as it is known. */
  counts = $state.raw<Readonly<Partial<Record<ImageSplit, number>>>>({});
  /** Whether the model has images of its own. */
  stored = $state(false);
  /** Whether the pen is down on the drawing pad. */
  penDown = $state(false);
  /** Images that were chosen so far: tells whether another one was chosen meanwhile. */
  chosen = 0;

  #data: string | null = null;
  #before = $state.raw<readonly Bitmap[]>([]);
  readonly #changed: () => void;

  /** `changed`: another image, or another part of it, is to be classified. */
  constructor(named: NamedImage, changed: () => void) {
    this.#changed = changed;
    this.fit = named.fit;
    this.split = named.split;
    this.index = named.index ?? 0;
    if (named.bitmap && !isBlank(named.bitmap)) {
      this.bitmap = named.bitmap;
      this.kind = 'drawing';
    }
  }

  get subject(): Subject {
    const { kind, bitmap, fit, split, index, picture, invert } = this;
    if (kind === 'picture' && picture) return { kind, picture, invert };
    return kind === 'stored' ? { kind, split, index } : { kind: 'drawing', bitmap, fit };
  }

  /** The image as an address names it. */
  get named(): NamedImage {
    const { kind, bitmap, fit, split, index } = this;
    return {
      ...{ fit, split },
      bitmap: kind === 'drawing' ? bitmap : null,
      index: kind === 'stored' ? index : null,
    };
  }

  get undoable(): boolean {
    return this.#before.length > 0;
  }

  /** Images in the split of the stored image; `null` if it is unknown. */
  get count(): number | null {
    return this.counts[this.split] ?? null;
  }

  /** Begins a stroke: the drawing before it comes back by `undo`. */
  begin(): void {
    this.#before = [...this.#before, this.bitmap].slice(-MOST_UNDONE);
  }

  line(from: Place, to: Place, ink: 0 | 1 = 1): void {
    this.#draw(withLine(this.bitmap, from, to, ink));
  }

  undo(): void {
    const last = this.#before.at(-1);
    if (!last) return;
    this.#before = this.#before.slice(0, -1);
    this.#draw(last);
  }

  clear(): void {
    if (!isBlank(this.bitmap)) this.begin();
    this.#draw(blank());
  }

  fitTo(fit: boolean): void {
    this.fit = fit;
    // Another image stays on the stage.
    if (this.kind === 'drawing') this.#told();
  }

  /** Takes an image of the data; beyond either end it goes on at the other. */
  choose(split: ImageSplit, index: number): void {
    const count = this.counts[split] ?? Infinity;
    this.split = split;
    this.index = index >= count ? 0 : index < 0 ? (count < Infinity ? count - 1 : 0) : index;
    this.#choose('stored');
  }

  show(picture: Picture, grey: boolean): void {
    this.picture = picture;
    // Grey models learnt bright ink on black, and paper is white.
    this.invert = grey && isBright(picture);
    this.#choose('picture');
  }

  invertTo(invert: boolean): void {
    this.invert = invert;
    this.#told();
  }

  /** Another run. `data`: which images it has; `null` where they are not here. */
  turn(data: string | null): void {
    if (data !== this.#data) this.counts = {};
    this.#data = data;
    this.stored = data !== null;
    if (!this.stored && this.kind === 'stored') this.kind = 'drawing';
    this.problem = null;
  }

  counted(split: ImageSplit, count: number): void {
    this.counts = { ...this.counts, [split]: count };
  }

  #draw(bitmap: Bitmap): void {
    this.bitmap = bitmap;
    this.#choose('drawing');
  }

  #choose(kind: Subject['kind']): void {
    this.chosen += 1;
    this.kind = kind;
    this.#told();
  }

  #told(): void {
    this.problem = null;
    this.#changed();
  }
}
