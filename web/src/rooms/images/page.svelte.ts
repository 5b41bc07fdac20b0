// State and actions of the images page.

import type { SessionClient } from '../../client/client';
import type { Classification } from '../../gen';
import { RunController } from '../../run/controller.svelte';
import type { Cursor } from '../../run/cursor.svelte';
import { preset } from '../../run/presets';
import type { SavedRuns } from '../../run/saved-runs';
import { Classifier } from './classifier.svelte';
import type { Pair } from './confusion';
import { ImageDatasets } from './datasets';
import { StageInput } from './input.svelte';
import type { MeasuredSplit, Measuring } from './measuring.svelte';
import { PictureError, readPicture } from './picture';
import type { Shape } from './shape';
import { type ImagesAddress, type Look, STANDARD, writeImages } from './url';

export class ImagesPage extends RunController<Classifier> {
  readonly #address: ImagesAddress;

  constructor(address: ImagesAddress, spawn: () => SessionClient, store: SavedRuns) {
    const datasets = new ImageDatasets();
    const input = new StageInput(address.image, () => this.#changed());
    super({
      family: 'images',
      datasets,
      wish: address,
      ...{ spawn, store, preset: address.preset, standard: STANDARD },
      run: (machine) => new Classifier(machine, address, input),
    });
    datasets.missing = (error) => this.notices.fail(error);
    this.#address = address;
    this.complain(address.problems);
  }

  /** Resumes the last run, opens a model or starts a run, and runs until the page closes. */
  live(): Promise<never> {
    return this.loop.live(async () =>
      this.runs.begin(await this.#resolved(), this.#address.handed),
    );
  }

  get input(): StageInput {
    return this.run.input;
  }
  get measuring(): Measuring {
    return this.run.measuring;
  }
  get cursor(): Cursor {
    return this.run.cursor;
  }
  get classified(): Classification | null {
    return this.run.classified;
  }
  get look(): Readonly<Look> {
    return this.run.look;
  }
  get shape(): Shape | null {
    return this.run.shape;
  }
  /** Inner and outer steps to run. */
  get inner(): number {
    return this.run.inner;
  }
  get outer(): number {
    return this.run.outer;
  }
  /** The selected outer step. */
  get shown(): number {
    return this.run.shown;
  }
  /** Selects an outer step. */
  point(step: number): void {
    this.cursor.set(step, null);
    this.bar.soon(this.address());
  }

  lookAt(change: Partial<Look>): void {
    Object.assign(this.run.look, change);
    if (change.inner !== undefined || change.outer !== undefined) {
      this.cursor.set(null, null);
      this.run.hurry(false);
    }
    this.#shown();
  }

  /** Takes the image at some distance from the one on the stage. */
  move(by: number): void {
    this.input.choose(this.input.split, this.input.index + by);
  }

  random(): void {
    const { split, count } = this.input;
    this.input.choose(split, Math.floor(Math.random() * (count ?? 1)));
  }

  /** Puts an image of the measured split on the stage. */
  take(index: number): void {
    this.input.choose(this.measuring.split, index);
  }

  measure(): void {
    this.run.measure();
    this.queue.poke();
  }

  measureOn(split: MeasuredSplit): void {
    this.measuring.turn(split);
  }

  confusion(pair: Pair): void {
    this.measuring.choose(pair);
    this.queue.poke();
  }

  /** Takes a picture; files that are none are refused. */
  takeFile(file: File): boolean {
    void this.#picture(file);
    return true;
  }

  takeText(name: string): void {
    this.refuse(
      `“${name}” is neither a picture nor a checkpoint.`,
      'Drop a picture (PNG, JPEG, WebP) or a .safetensors file.',
    );
  }

  takePasted(): void {
    this.refuse('A text cannot be classified.', 'Paste a picture, or draw one.');
  }

  async #picture(file: File): Promise<void> {
    const { input } = this;
    const chosen = ++input.chosen;
    try {
      const picture = await readPicture(file);
      // Another image was chosen while this one was decoded.
      if (input.chosen !== chosen) return;
      this.notices.dismiss();
      input.show(picture, this.shape?.channels === 1);
    } catch (error) {
      if (!(error instanceof PictureError)) throw error;
      this.refuse(error.message, error.hint);
    }
  }

  /** Another image is on the stage. */
  #changed(): void {
    this.cursor.set(null, null);
    this.run.hurry(this.input.kind !== 'drawing');
    this.#shown();
  }

  #shown(): void {
    this.bar.soon(this.address());
    this.queue.poke();
  }

  /** Unless the address names a run: the model that comes with the page. */
  async #resolved(): Promise<ImagesAddress> {
    const address = this.#address;
    if (address.explicit) return address;
    await this.gallery.manifest;
    const { shown } = this.gallery;
    const first = shown.find(({ name }) => name === STANDARD) ?? shown[0];
    return first ? { ...address, checkpoint: first.name } : address;
  }

  protected async fromNothing(name: string): Promise<void> {
    const config = preset(name);
    if (config) await this.current.create(config, null, name);
  }

  protected spare(): Promise<boolean> {
    return Promise.resolve(false);
  }

  protected address(): string {
    const { look, input, cursor } = this;
    const { preset, origin } = this.current;
    const config = this.state.summary?.config ?? this.draft;
    const { device, software } = this.#address;
    const step = cursor.playing || this.shown === this.run.answered ? null : cursor.cycle;
    return writeImages({
      ...{ preset, config, origin, look, device, software, cores: this.cores.chosen },
      ...{ image: input.named, step },
    });
  }
}
