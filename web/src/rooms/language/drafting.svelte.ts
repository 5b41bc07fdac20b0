// The next chunk of a text: drafted at the chosen depth, and appended on request.

import { type SessionClient, SessionError } from '../../client/client';
import type { Trace, Vocab } from '../../gen';
import { draftOf, textOf, tokensOf } from './draft';
import { sentence } from '../../run/format';

/** Milliseconds between two drafts during training. */
const EVERY = 1_000;
/** Alternatives for each place; more than are shown, to find them after other passes. */
const TOP = 10;

export interface Drafted {
  readonly trace: Trace;
  readonly vocab: Vocab;
  /** Training step of the weights. */
  readonly step: number;
  /** The text before the chunk. */
  readonly context: string;
  /** The chunk as text; `null` if its tokens are not valid text. */
  readonly text: string | null;
}

export class Drafting {
  shown = $state.raw<Drafted | null>(null);
  /** The chunks appended to the prompt. */
  taken = $state('');
  problem = $state<string | null>(null);

  #stale = true;
  #next = 0;

  /** Another run replaced the current one. */
  forget(): void {
    this.shown = null;
    this.restart();
  }

  /** Removes the appended chunks. */
  restart(): void {
    this.taken = '';
    this.problem = null;
    this.hurry();
  }

  /** The weights changed. */
  refresh(): void {
    this.#stale = true;
  }

  /** Whether the visitor waits for a result. */
  hurry(): void {
    this.#stale = true;
    this.#next = 0;
  }

  /** Whether the shown chunk follows `prompt` and can be appended. */
  takeable(prompt: string): boolean {
    return this.shown?.text != null && this.shown.context === prompt + this.taken;
  }

  /** Appends the shown chunk to the text. */
  take(prompt: string): void {
    if (!this.takeable(prompt)) return;
    this.taken += this.shown?.text ?? '';
    this.hurry();
  }

  /** Milliseconds until there is something to draft, or `null` if there is nothing. */
  due(now: number): number | null {
    return this.#stale ? Math.max(0, this.#next - now) : null;
  }

  /** Drafts the chunk after the text. `busy`: during training, drafts are rarer. */
  async draft(
    client: SessionClient,
    vocab: Vocab,
    prompt: string,
    depth: number,
    busy: boolean,
  ): Promise<void> {
    this.#stale = false;
    this.#next = busy ? performance.now() + EVERY : 0;
    const context = prompt + this.taken;
    try {
      const command = { type: 'draft', prompt: context, depth, top: TOP } as const;
      const { draft: trace, step } = await client.ask(command, 'drafted');
      const text = textOf(vocab, tokensOf(draftOf(trace)));
      this.shown = { trace, vocab, step, context, text };
      this.problem = null;
    } catch (error) {
      this.shown = null;
      if (!(error instanceof SessionError) || error.severe) throw error;
      this.problem = `${sentence(error.failure.message)} ${error.failure.hint}`;
    }
  }
}
