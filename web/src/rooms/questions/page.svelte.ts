// State and actions of the questions page: a base model, a chat with it, and a model that
// refines on top of it.

import { type SessionClient, SessionError } from '../../client/client';
import { familyOf, modelOf, type RunSummary } from '../../gen';
import { variantOf } from '../../run/checkpoint';
import { trainedFor } from '../../run/format';
import { Gallery } from '../../run/gallery.svelte';
import { handOver, NOT_ARRIVED, takeOver } from '../../run/handover';
import { Machine } from '../../run/machine.svelte';
import type { Shipped } from '../../run/manifest';
import { Notices } from '../../run/notices.svelte';
import type { Notice } from '../../run/state';
import type { Wish } from '../../run/wish';
import { WrongPage } from '../../run/wrong-page';
import type { OpenedDevice } from '../../worker/protocol';
import { Asking } from './asking.svelte';
import { Base, bytesOf, NOT_KEPT } from './base.svelte';
import { Chat } from './chat.svelte';
import { USUAL } from './site-bases';

/** The engine. */
export type Phase = 'opening' | 'ready' | 'broken';

const BUSY = ['The page is busy.', 'Wait a moment and try again.'] as const;

/** Where the base that a question model waits for comes from. */
function waitingHint({ kept, site }: Base): string {
  const where = kept
    ? 'Open the base model below, or choose another one'
    : site
      ? 'Get the base model below, or choose its file'
      : `This site does not offer base models. Choose the file below (of the models on this page: ${USUAL.file}, ${USUAL.size})`;
  return `${where}; the question model then opens by itself.`;
}

/** A question model that waits for its base. */
interface Waiting {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly title: string;
}

export class QuestionsPage {
  readonly base: Base;
  readonly chat = new Chat();
  readonly asking = new Asking();
  readonly gallery: Gallery;
  phase = $state<Phase>('opening');
  /** The question model that is open. */
  model = $state.raw<{ readonly title: string; readonly summary: RunSummary } | null>(null);
  /** Whether a question model is being loaded. */
  loading = $state(false);
  /** The title of a question model that opens as soon as its base is there. */
  awaited = $state<string | null>(null);

  readonly #machine: Machine;
  readonly #notices = new Notices();
  #waiting: Waiting | null = null;
  /** The model that the address names, until the page is free to open it. */
  #linked: Shipped | null = null;

  constructor(spawn: () => SessionClient, wish: Wish, base = new Base()) {
    this.#machine = new Machine(spawn, wish, 'questions');
    this.gallery = new Gallery(document.baseURI, 'questions');
    this.base = base;
    base.closed = () => this.#forgetModel();
  }

  get notice(): Notice | null {
    return this.#notices.shown;
  }
  get device(): OpenedDevice | null {
    return this.#machine.device;
  }
  /** How much of the engine has come. */
  get engine(): Machine['loading'] {
    return this.#machine.loading;
  }
  /** The model, and how long it was trained. */
  get who(): string {
    const { model } = this;
    return model ? `${model.title}, ${trainedFor(model.summary.step)}` : '';
  }
  /** Whether something can be asked or opened now. */
  get idle(): boolean {
    return (
      this.phase === 'ready' &&
      !(this.base.busy || this.loading || this.chat.busy || this.asking.busy)
    );
  }

  /**
   * Opens the engine, looks for a base, and takes what another page handed over, or opens the
   * model of this site that the address names.
   */
  async live(handed: boolean, checkpoint: string | null = null): Promise<void> {
    await this.#reporting(async () => {
      await Promise.all([this.#machine.open(), this.base.look()]);
      this.phase = 'ready';
      if (handed) await this.#takeOver();
      else if (checkpoint !== null) await this.#named(checkpoint);
    });
    if (this.phase === 'opening') this.phase = 'broken';
  }

  /** Fetches the base from this site. */
  fetchBase(): Promise<void> {
    return this.#reporting(async () => {
      await this.#opened(await this.base.fetch(this.#client));
    });
  }

  /** Opens the base that the browser keeps. */
  openBase(): Promise<void> {
    return this.#reporting(async () => {
      await this.base.reopen(this.#client);
      await this.#opened(true);
    });
  }

  /** Removes the base from the browser. */
  async forgetBase(): Promise<void> {
    const gone = await this.base.forget();
    if (gone) this.#notices.tell('note', 'The base model is removed from this browser.', '');
    else {
      const hint = 'Delete the data of this site in the settings of the browser.';
      this.#notices.tell('bad', 'The browser did not remove the base model.', hint);
    }
  }

  /** Takes a file that was dropped or chosen: a base, or a checkpoint. */
  take(file: File): Promise<void> {
    return this.#reporting(async () => {
      if (!this.idle) return this.refuse(...BUSY);
      if (file.size === 0) {
        return this.refuse(`The file “${file.name}” is empty (0 bytes).`, 'Choose another file.');
      }
      const start = await bytesOf(file.slice(0, 4), file.name);
      if (String.fromCharCode(...start) === 'GGUF') return this.#base(file);
      if (!file.name.endsWith('.safetensors')) {
        return this.refuse(
          `“${file.name}” is neither a base model nor a checkpoint.`,
          'Choose a GGUF file of a Llama model, or a .safetensors file.',
        );
      }
      const bytes = await bytesOf(file, file.name);
      const variant = variantOf(bytes);
      // A pretrained decoder is a base, not a question model.
      if (variant && modelOf(variant)?.pretrained) return this.#base(file);
      return this.#checkpoint(bytes, file.name);
    });
  }

  /** Opens a question model that comes with the page. */
  open(shipped: Shipped): Promise<void> {
    return this.#reporting(async () => {
      if (!this.idle) return this.refuse(...BUSY);
      // Loading it ends all streams, so that nothing can be asked until it has come.
      this.loading = true;
      try {
        const bytes = new Uint8Array(await this.gallery.bring(shipped));
        await this.#load({ bytes, title: shipped.title });
      } finally {
        this.loading = false;
      }
    });
  }

  ask(question: string): Promise<void> {
    return this.#reporting(() => this.asking.ask(this.#client, question));
  }

  say(text: string): Promise<void> {
    return this.#reporting(() => this.chat.send(this.#client, text));
  }

  refuse(message: string, hint: string): void {
    this.#notices.tell('bad', message, hint);
  }

  complain(problems: readonly string[]): void {
    this.#notices.complain(problems);
  }

  dismiss(): void {
    this.#notices.dismiss();
  }

  get #client(): SessionClient {
    return this.#machine.client;
  }

  async #base(file: File): Promise<void> {
    await this.#opened(await this.base.take(this.#client, file));
  }

  /** A base is open: what waits for it is loaded. */
  async #opened(kept: boolean): Promise<void> {
    this.#notices.dismiss();
    this.chat.clear();
    if (!kept) this.#notices.tell('note', ...NOT_KEPT);
    if (this.#waiting) await this.#load(this.#waiting);
  }

  #forgetModel(): void {
    this.model = null;
    this.asking.clear();
  }

  async #named(name: string): Promise<void> {
    await this.gallery.manifest;
    const shipped = this.gallery.shown.find((each) => each.name === name);
    if (shipped) this.#linked = shipped;
    else this.refuse(`This page has no model “${name}”.`, 'Choose another model.');
  }

  async #takeOver(): Promise<void> {
    const file = await takeOver();
    // It is taken once: after a reload nothing is to arrive.
    history.replaceState(null, '', location.pathname + location.hash);
    if (file) await this.#checkpoint(new Uint8Array(file), 'handed-over.safetensors');
    else this.refuse(...NOT_ARRIVED);
  }

  async #checkpoint(bytes: Uint8Array<ArrayBuffer>, name: string): Promise<void> {
    const variant = variantOf(bytes);
    const family = variant && (modelOf(variant)?.family ?? null);
    if (!family) {
      return this.refuse(
        `“${name}” is not a checkpoint of a model that this page knows.`,
        'Choose a .safetensors file that trm-native has written.',
      );
    }
    if (family !== 'questions') {
      // Where it cannot be stored, the other page tells that it did not arrive.
      await handOver(bytes);
      throw new WrongPage(family);
    }
    await this.#load({ bytes, title: name.replace(/\.safetensors$/, '') });
  }

  /** Loads a question model, as soon as a base is open. */
  async #load(model: Waiting): Promise<void> {
    if (!this.base.open) {
      [this.#waiting, this.awaited] = [model, model.title];
      this.#notices.tell('note', `“${model.title}” needs its base model.`, waitingHint(this.base));
      return;
    }
    [this.#waiting, this.awaited] = [null, null];
    this.loading = true;
    try {
      const command = { type: 'load_on_base', checkpoint: model.bytes } as const;
      const { summary } = await this.#client.ask(command, 'ready');
      if (familyOf(summary.config.model) !== 'questions') throw new WrongPage(summary.family);
      this.model = { title: model.title, summary };
      this.asking.begin(summary);
      this.#notices.dismiss();
    } finally {
      this.loading = false;
    }
  }

  /** Tells what failed; after a crash, a new worker takes the place of the old one. */
  async #reporting(work: () => Promise<void>): Promise<void> {
    this.#notices.settle();
    try {
      await work();
      const linked = this.#linked;
      if (!linked || !this.idle) return;
      this.#linked = null;
      await this.open(linked);
    } catch (error) {
      if (error instanceof SessionError) {
        this.#notices.fail(error);
        if (error.crashed) await this.#renew();
        return;
      }
      const words = error instanceof Error ? error.message : String(error);
      this.refuse(`Something went wrong: ${words}`, 'Reload the page.');
    }
  }

  async #renew(): Promise<void> {
    this.base.lost();
    this.phase = 'opening';
    try {
      await this.#machine.renew();
      this.phase = 'ready';
    } catch {
      this.phase = 'broken';
    }
  }
}
