// The text that is watched, and texts of the same prompt and random seed at several
// depths.

import type { SessionClient } from '../../client/client';
import type { ResolvedOptions } from './resolved-options';
import { Answer } from './answer.svelte';

/** Milliseconds between two refreshed texts while the model learns. */
const EVERY = 4_000;
/** Milliseconds from one token of the watched text to the next. */
const PACE = 90;
/** Tokens of the watched text. */
const LENGTH = 320;

export class Answers {
  readonly watched = new Answer(LENGTH);
  compared = $state.raw<readonly Answer[]>([]);

  /** When texts of older weights begin again while the model learns. */
  #next = 0;
  /** Texts that are no longer compared, and may still be open in the session. */
  #removed: Answer[] = [];

  /** Another run replaced the current one. */
  forget(): void {
    this.#removed = [];
    for (const answer of [this.watched, ...this.compared]) answer.forget();
  }

  /** The options changed: all begin again, so that all are of the same weights. */
  renew(resolved: ResolvedOptions): void {
    this.#match(resolved);
    for (const [answer, depth] of this.#each(resolved, true)) answer.renew({ ...resolved, depth });
  }

  /** Whether a visitor waits for a first word. */
  urgent(compared: boolean): boolean {
    return this.watched.urgent || (compared && this.compared.some((answer) => answer.urgent));
  }

  /** The watched text is written to be watched, or as fast as can be. */
  slow(watch: boolean): void {
    this.watched.pace = watch ? PACE : 0;
  }

  /**
   * Writes on, the compared texts only where they are looked at; what was written. `learning`:
   * whether the weights change meanwhile.
   */
  async advance(
    client: SessionClient,
    resolved: ResolvedOptions,
    step: number,
    now: number,
    compared: boolean,
    learning: boolean,
  ): Promise<'nothing' | 'watched' | 'compared'> {
    this.#match(resolved);
    for (const answer of this.#removed.splice(0)) await answer.close(client);
    this.#age(step, now, compared, learning);
    const all = this.#each(resolved, compared);
    // A text that someone waits for goes before one that is only refreshed.
    all.sort(([a], [b]) => Number(b.urgent) - Number(a.urgent));
    for (const [answer, depth] of all) {
      if (!(await answer.advance(client, { ...resolved, depth }, step))) continue;
      if (!answer.writing) this.#next = now + EVERY;
      return answer === this.watched ? 'watched' : 'compared';
    }
    return 'nothing';
  }

  /** Milliseconds until there is something to write; `null` when there is nothing. */
  due(now: number, compared: boolean): number | null {
    const all = compared ? [this.watched, ...this.compared] : [this.watched];
    const dues = all.map((answer) => answer.due(now)).filter((due) => due !== null);
    return dues.length > 0 ? Math.min(...dues) : null;
  }

  /**
   * Texts of older weights begin again. While the model learns that waits until all are whole:
   * where steps are slow, no text would ever be.
   */
  #age(step: number, now: number, compared: boolean, learning: boolean): void {
    if (learning && (now < this.#next || this.due(now, compared) !== null)) return;
    for (const answer of [this.watched, ...this.compared]) answer.stale ||= answer.step !== step;
  }

  #match({ depths }: ResolvedOptions): void {
    if (this.compared.length === depths.length) return;
    this.#removed.push(...this.compared.slice(depths.length));
    this.compared = depths.map((_, i) => this.compared[i] ?? new Answer());
  }

  #each(resolved: ResolvedOptions, compared: boolean): [Answer, number][] {
    const beside = this.compared.map((answer, i): [Answer, number] => [
      answer,
      resolved.depths[i] ?? resolved.depth,
    ]);
    return [[this.watched, resolved.depth], ...(compared ? beside : [])];
  }
}
