// The next chunk of a text: drafted, refined as often as is asked, and taken into the
// text, so that the one after it is drafted.

import { type SessionClient, SessionError } from '../../client/client';
import type { Trace, Vocab } from '../../gen';
import { draftOf, textOf, tokensOf } from './draft';
import { sentence } from '../../run/format';

/** Milliseconds between two drafts while the model learns, so that it goes on. */
const EVERY = 1_000;
/** Alternatives for each place; more than are shown, to find them in other refinements. */
const TOP = 10;

export interface Drafted {
  readonly trace: Trace;
  readonly vocab: Vocab;
  /** Steps that the weights have seen. */
  readonly step: number;
  /** What the chunk goes on from. */
  readonly context: string;
  /** The chunk as text; `null` where its tokens are none. */
  readonly text: string | null;
}

export class Drafting {
  shown = $state.raw<Drafted | null>(null);
  /** What was drafted and taken since the prompt. */
  taken = $state('');
  problem = $state<string | null>(null);

  #stale = true;
  #next = 0;

  /** The run is another one. */
  forget(): void {
    this.shown = null;
    this.restart();
  }

  /** Goes back to the prompt, which may be another one. */
  restart(): void {
    this.taken = '';
    this.problem = null;
    this.hurry();
  }

  /** The weights changed. */
  refresh(): void {
    this.#stale = true;
  }

  /** Someone waits to see what they asked for. */
  hurry(): void {
    this.#stale = true;
    this.#next = 0;
  }

  /** Whether the chunk that is shown comes after `prompt` and can be taken. */
  takeable(prompt: string): boolean {
    return this.shown?.text != null && this.shown.context === prompt + this.taken;
  }

  /** Takes the chunk that is shown into the text. */
  take(prompt: string): void {
    if (!this.takeable(prompt)) return;
    this.taken += this.shown?.text ?? '';
    this.hurry();
  }

  /** Milliseconds until there is something to draft, or `null` if there is nothing. */
  due(now: number): number | null {
    return this.#stale ? Math.max(0, this.#next - now) : null;
  }

  /** Drafts what comes after the prompt and what was taken. `busy`: the next draft is not to come at once. */
  async draft(client: SessionClient, prompt: string, depth: number, busy: boolean): Promise<void> {
    this.#stale = false;
    this.#next = busy ? performance.now() + EVERY : 0;
    const context = prompt + this.taken;
    try {
      const command = { type: 'draft', prompt: context, depth, top: TOP } as const;
      const { draft: trace, vocab, step } = await client.ask(command, 'drafted');
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
