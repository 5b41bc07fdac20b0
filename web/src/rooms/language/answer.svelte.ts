// One generated text, refreshed while the model trains.

import { type SessionClient, SessionError } from '../../client/client';
import type { Generated, GenerateOptions } from '../../gen';
import { isTraced } from './generation';
import { sentence } from '../../run/format';
import type { PromptOptions } from './url';

/** Prompt and options of one text. */
export type TextOptions = Pick<PromptOptions, 'prompt' | 'temperature' | 'topK' | 'seed'> & {
  readonly depth: number;
};

/** Milliseconds of generation per request, so that the text appears smoothly. */
const SLICE = 60;

export class Answer {
  text = $state('');
  /** Training step of the weights that the text was begun with. */
  step = $state(0);
  writing = $state(false);
  problem = $state<string | null>(null);
  /** Whether the text comes from older weights or another prompt. */
  stale = true;
  /** Whether the visitor waits for this text. */
  urgent = false;
  /** Milliseconds from one token to the next, so that it can be watched; 0 is as fast as can be. */
  pace = 0;

  /** Whether the passes that generate it are shown. */
  traced = false;
  /** Of the shown text: how it was generated; `null` where that is not known whole. */
  generated: readonly Generated[] | null = null;

  /** Of the text that is being generated. */
  #pieces: Generated[] | null = [];
  readonly #length: number;
  #stream: number | null = null;
  /** The text being written, shown once it has caught up with the old one. */
  #draft = '';
  #fresh = true;
  #piece = 4;
  #next = 0;
  /** Prompt and options of the text. */
  #requested: GenerateOptions | null = null;

  constructor(length = 160) {
    this.#length = length;
  }

  /** Another run replaced the current one. */
  forget(): void {
    this.#stream = null;
    this.text = '';
    this.generated = null;
    this.writing = false;
    this.urgent = false;
    this.problem = null;
    this.stale = true;
    this.#fresh = true;
  }

  /** A new prompt is shown while it is generated; the same prompt is refreshed at once. */
  renew(options: TextOptions): void {
    this.stale = true;
    const request = this.#request(options);
    if (this.#requested && JSON.stringify(request) === JSON.stringify(this.#requested)) return;
    this.urgent = true;
    this.#fresh = true;
  }

  /** Milliseconds until it can continue; `null` when nothing is to be generated. */
  due(now: number): number | null {
    if (this.stale) return 0;
    return this.#stream === null ? null : Math.max(0, this.#next - now);
  }

  /** Generates more text; returns whether there was anything to do. */
  async advance(client: SessionClient, options: TextOptions, step: number): Promise<boolean> {
    if (this.stale) {
      await this.#begin(client, options, step);
      return true;
    }
    const before = performance.now();
    if (this.#stream === null || before < this.#next) return false;
    this.urgent = false;
    const n = this.pace > 0 && this.#fresh ? 1 : this.#piece;
    const pull = { type: 'pull', stream: this.#stream, n, trace: this.traced } as const;
    const { output } = await client.ask(pull, 'generated').catch((error: unknown) => {
      // A failed stream is not retried in a loop.
      this.#end();
      throw error;
    });
    // The reply belongs to another prompt, or to older weights.
    if (this.#outdated()) {
      if (output.done) this.#end();
      return true;
    }
    const fitting = (n * SLICE) / Math.max(1, performance.now() - before);
    this.#piece = Math.min(64, Math.max(1, Math.round(fitting)));
    // A text that only replaces another one is not shown while it is generated.
    this.#next = this.#fresh ? before + this.pace : 0;
    this.#draft += output.text;
    if (this.#pieces && isTraced(output)) this.#pieces.push(output);
    else this.#pieces = null;
    // A refreshed text replaces the old one as a whole, so that it does not flicker.
    if (this.#fresh || output.done) {
      this.text = this.#draft;
      this.generated = this.#pieces;
    }
    if (output.done) {
      this.#end();
      this.#fresh = false;
    }
    return true;
  }

  /** Ends the text that is being written. */
  async close(client: SessionClient): Promise<void> {
    const stream = this.#stream;
    this.#stream = null;
    if (stream !== null) await client.ask({ type: 'close', stream }, 'closed');
  }

  /** Whether the text was renewed; asked again after a wait. */
  #outdated(): boolean {
    return this.stale;
  }

  #end(): void {
    this.#stream = null;
    this.writing = false;
  }

  async #begin(client: SessionClient, wanted: TextOptions, step: number): Promise<void> {
    this.stale = false;
    const options = this.#request(wanted);
    this.#requested = options;
    // Also of a text that is refused: it is not asked for again before the next step.
    this.step = step;
    this.#next = 0;
    await this.close(client);
    try {
      const { stream } = await client.ask({ type: 'generate', options }, 'generating');
      this.#stream = stream;
      this.#draft = '';
      this.#pieces = [];
      if (this.#fresh) this.text = '';
      if (this.#fresh) this.generated = this.#pieces;
      this.problem = null;
      this.writing = true;
    } catch (error) {
      if (!(error instanceof SessionError) || error.severe) throw error;
      this.writing = false;
      this.urgent = false;
      this.text = '';
      this.problem = `${sentence(error.failure.message)} ${error.failure.hint}`;
    }
  }

  #request({ prompt, depth, temperature, topK, seed }: TextOptions): GenerateOptions {
    const max_new_tokens = this.#length;
    const sampling = { temperature, top_k: topK, seed };
    return { prompt, depth, draft_depth: 0, ...sampling, max_new_tokens };
  }
}
