// Loss by depth, measured in the browser: a rough value at once, a better one when idle.

import type { SessionClient } from '../../client/client';
import type { DepthLoss } from '../../gen';
import { DEEPEST } from './url';

/** Validation tokens of one measurement after another. */
const TOKENS = [1_024, 8_192] as const;
/** Milliseconds between measurements of weights that change. */
const EVERY = 6_000;

export interface Measured {
  readonly losses: readonly DepthLoss[];
  readonly tokens: number;
  readonly step: number;
}

export class DepthLosses {
  shown = $state.raw<Measured | null>(null);

  /** Which measurement comes next. */
  #at = 0;
  #next = 0;

  /** Another run replaced the current one. */
  forget(): void {
    this.shown = null;
    this.#at = 0;
    this.#next = 0;
  }

  /** The weights changed. */
  age(): void {
    this.#at = 0;
  }

  /**
   * Milliseconds until there is something to measure, or `null` if there is nothing; only a
   * rough value while other work waits.
   */
  due(now: number, busy: boolean): number | null {
    if (this.#at === 0) return Math.max(0, this.#next - now);
    return !busy && this.#at < TOKENS.length ? 0 : null;
  }

  async measure(client: SessionClient, valTokens: number): Promise<void> {
    const tokens = Math.min(valTokens, TOKENS[this.#at] ?? 0);
    this.#at = tokens === valTokens ? TOKENS.length : this.#at + 1;
    const depths = Array.from({ length: DEEPEST }, (_, i) => i + 1);
    const command = { type: 'evaluate', depths, max_tokens: tokens } as const;
    const { depths: losses, step } = await client.ask(command, 'evaluated');
    this.shown = { losses, tokens, step };
    this.#next = performance.now() + EVERY;
  }
}
