// Live settings: shown at once, and applied after a short rest, so that a moving slider
// does not send a hundred requests.

import type { RunConfig } from '../gen';
import { type Patch, patched } from './settings';

/** Milliseconds of rest before what was moved is applied. */
const REST = 200;

export class LiveSettings {
  /** What was moved and is not applied yet. */
  #pending = $state.raw<Patch>({});
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `apply` settles when the run has taken the settings, or refused them. */
  constructor(readonly apply: (patch: Patch) => Promise<void>) {}

  move(patch: Patch): void {
    this.#pending = { ...this.#pending, ...patch };
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#apply(), REST);
  }

  /** A configuration as the controls show it. */
  over(config: RunConfig): RunConfig {
    return patched(config, this.#pending);
  }

  /** Another run is at hand: what was meant for the one before is not applied. */
  forget(): void {
    clearTimeout(this.#timer);
    this.#pending = {};
  }

  async #apply(): Promise<void> {
    const patch = this.#pending;
    await this.apply(patch);
    // What was moved again meanwhile is still to come.
    const moved = Object.entries(this.#pending).filter(([key, value]) => patch[key] !== value);
    this.#pending = Object.fromEntries(moved);
  }
}
