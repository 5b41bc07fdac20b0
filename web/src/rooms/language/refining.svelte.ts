// The readouts of every cycle, for the text being written or for a fixed one.

import { type SessionClient, SessionError } from '../../client/client';
import type { Generated, Vocab } from '../../gen';
import { written } from './generation';
import type { Reading } from './grid';
import { endWithin, piecesOf } from './spans';

/** Milliseconds between two readings while the model learns, so that it goes on. */
const EVERY = 1_000;
/** Alternatives at each position; more than are shown, to find them in the next cycle. */
const TOP = 10;

/** The text that the grid follows. */
export type FollowedText = 'written' | 'reference';

export interface Shown extends Reading {
  readonly pieces: readonly (string | null)[];
  readonly vocab: Vocab;
  /** Training step of the weights. */
  readonly step: number;
  /** The position whose attention was asked for. */
  readonly attention: number | null;
}

export class Refining {
  shown = $state.raw<Shown | null>(null);

  /** The readouts of the prompt of the text that is followed, and which text that is. */
  #prompt: { readonly shown: Shown; readonly text: object } | null = null;

  #stale = true;
  #next = 0;

  /** Another run replaced the current one. */
  forget(): void {
    this.shown = null;
    this.#prompt = null;
    this.refresh();
    this.#next = 0;
  }

  /** The weights or the text changed. */
  refresh(): void {
    this.#stale = true;
  }

  /** Whether the visitor waits for a result. */
  hurry(): void {
    this.#stale = true;
    this.#next = 0;
  }

  /** Milliseconds until there is something to read, or `null` if there is nothing. */
  due(now: number): number | null {
    return this.#stale ? Math.max(0, this.#next - now) : null;
  }

  /**
   * Reads the end of `text`, as much as fits in `block` tokens of `vocab`. `attention`: the
   * position to look from, or the last one; `null` looks from none. `busy`: the
   * next reading is not to come at once.
   */
  async read(
    client: SessionClient,
    vocab: Vocab,
    text: string,
    depth: number,
    block: number,
    attention: number | 'last' | null,
    busy: boolean,
  ): Promise<void> {
    this.#stale = false;
    this.#next = busy ? performance.now() + EVERY : 0;
    const { text: prompt, from, tokens } = endWithin(vocab, text, block);
    const last = Math.max(0, tokens - 1);
    const at = attention === 'last' ? from + last : attention;
    const position = at === null ? null : Math.min(Math.max(0, at - from), last);
    try {
      const command = { type: 'trace', prompt, depth, top: TOP, attention: position } as const;
      const { trace, step } = await client.ask(command, 'traced');
      this.shown = {
        trace,
        pieces: piecesOf(vocab, trace.tokens[0] ?? []),
        vocab,
        step,
        from,
        attention: position === null ? null : position + from,
      };
    } catch (error) {
      this.shown = null;
      // The text says what is wrong with the prompt; once is enough.
      if (!(error instanceof SessionError) || error.severe) throw error;
    }
  }

  /**
   * Shows a text by the passes that generated it; only its prompt is read, and once.
   * `generated`: all of the text so far, piece by piece; another text is another list.
   */
  async follow(
    client: SessionClient,
    vocab: Vocab,
    prompt: string,
    generated: readonly Generated[],
    depth: number,
    block: number,
  ): Promise<void> {
    if (this.#prompt?.text !== generated) {
      await this.read(client, vocab, prompt, depth, block, null, false);
      this.#prompt = this.shown && { shown: this.shown, text: generated };
    }
    this.#stale = false;
    if (!this.#prompt) return;
    const { shown } = this.#prompt;
    const { trace, from, pieces = [] } = written(shown, generated);
    this.shown = { ...shown, trace, from, pieces };
  }
}
