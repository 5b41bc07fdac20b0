// A text that is being written, and the guesses of every pass behind each character.

import type { SessionClient } from '../client/client';
import { lengthOf, type RunSummary } from '../gen';
import { Answer, type TextOptions } from '../rooms/language/answer.svelte';
import { type Grid, gridOf } from '../rooms/language/grid';
import { Refining } from '../rooms/language/refining.svelte';
import { characterOf } from '../run/format';
import { openModel, reason, sleep } from './engine';

const MODEL = 'shakespeare-elastic';
export const PROMPT = 'ROMEO:';
/** Characters that are written. */
const LENGTH = 140;
/** Milliseconds that each pass is shown. */
const BEAT = 65;
export const DEEPEST = 8;

export class WriteExhibit {
  depth = $state(4);
  /** The pass that is shown of the last character, from 1; 0 before the first. */
  pass = $state(0);
  received = $state(0);
  problem = $state<string | null>(null);
  finished = $state(false);
  paused = $state(false);
  readonly refining = new Refining();
  summary = $state.raw<RunSummary | null>(null);

  readonly #answer = new Answer(LENGTH);
  readonly #still = matchMedia('(prefers-reduced-motion: reduce)');
  #seed = 1;
  #wake: () => void = () => undefined;

  /** The text without the character whose passes are still being shown. */
  get text(): string {
    const { text } = this.#answer;
    return this.pass < this.depth ? [...text].slice(0, -1).join('') : text;
  }

  /** The guess of the shown pass, and the text that it was made from. */
  get now(): { readonly input: string; readonly guess: string; readonly prob: number } {
    const { shown } = this.refining;
    const grid: Grid | null = shown && gridOf(shown, 1);
    const input = [...(PROMPT + this.text)].slice(-8).join('');
    const cell = grid?.columns[0]?.cells[Math.max(1, this.pass) - 1];
    if (!shown || !cell) return { input, guess: '', prob: 0 };
    return { input, guess: characterOf(shown.vocab, cell.token), prob: cell.prob };
  }

  async live(spawn: () => SessionClient): Promise<void> {
    try {
      const opened = await openModel(spawn, 'language', MODEL, (share) => (this.received = share));
      this.summary = opened.summary;
      try {
        for (;;) await this.#turn(opened.client, opened.summary);
      } finally {
        opened.client.terminate();
      }
    } catch (error) {
      this.problem = reason(error);
    }
  }

  choose(depth: number): void {
    this.depth = depth;
    this.#begin();
  }

  /** Writes another text. */
  again(): void {
    this.#seed += 1;
    this.#begin();
  }

  #begin(): void {
    this.finished = this.paused = false;
    this.#answer.renew(this.#options);
    this.#wake();
  }

  get #options(): TextOptions {
    return { prompt: PROMPT, temperature: 0.8, topK: 0, seed: this.#seed, depth: this.depth };
  }

  /** Writes a character and shows its passes. */
  async #turn(client: SessionClient, summary: RunSummary): Promise<void> {
    if (this.paused) return sleep(BEAT);
    const [answer, { depth }] = [this.#answer, this];
    answer.traced = true;
    // One character at a time, as it is to be watched.
    answer.pace = this.#still.matches ? 0 : 1;
    if (!(await answer.advance(client, this.#options, summary.step))) {
      const due = answer.due(performance.now());
      if (due !== null) return sleep(due);
      this.finished = true;
      return new Promise((resolve) => (this.#wake = resolve));
    }
    if (answer.problem) throw new Error(answer.problem);
    if (!answer.generated?.length) {
      this.pass = depth;
      return;
    }
    const block = lengthOf(summary.config.model);
    // Set before the grid, so that the new column is not shown whole for a frame.
    this.pass = this.#still.matches ? depth : 1;
    await this.refining.follow(client, summary.vocab, PROMPT, answer.generated, depth, block);
    for (; this.pass < depth && this.depth === depth; this.pass += 1) await sleep(BEAT);
    if (!this.#still.matches) await sleep(BEAT);
  }
}
