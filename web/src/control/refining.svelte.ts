// The readouts of every cycle for the prompt and how the answer goes on.

import { type SessionClient, SessionError } from '../client/client';
import type { Trace, Vocab } from '../gen';

/** Positions in the grid. */
const GRID = 26;
/** Milliseconds between two readings, so that training goes on. */
const EVERY = 1_500;

export class Refining {
  shown = $state.raw<{ trace: Trace; vocab: Vocab; step: number } | null>(null);

  #stale = true;
  #next = 0;

  /** The run is another one. */
  forget(): void {
    this.shown = null;
    this.refresh();
    this.#next = 0;
  }

  /** The weights or the text changed. */
  refresh(): void {
    this.#stale = true;
  }

  /** Milliseconds until there is something to read, or `null` if there is nothing. */
  due(now: number): number | null {
    return this.#stale ? Math.max(0, this.#next - now) : null;
  }

  async read(client: SessionClient, text: string, depth: number, block: number): Promise<void> {
    this.#stale = false;
    this.#next = performance.now() + EVERY;
    const prompt = [...text].slice(0, Math.min(GRID, block)).join('');
    try {
      const command = { type: 'trace', prompt, depth, top: 3, attention: null } as const;
      const { trace, vocab, step } = await client.ask(command, 'traced');
      this.shown = { trace, vocab, step };
    } catch (error) {
      this.shown = null;
      // The answers say what is wrong with the prompt; once is enough.
      if (!(error instanceof SessionError) || error.severe) throw error;
    }
  }
}
