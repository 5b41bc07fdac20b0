// What a screen reader says of the answer: only the result, and once, after it has settled.

/** Milliseconds without a change after which the answer counts as settled. */
export const SETTLED = 700;

export class Announcement {
  text = $state('');

  #timer: ReturnType<typeof setTimeout> | undefined;

  /** The answer is `text` now. `silent`: it will change further, so nothing is said. */
  update(text: string, silent: boolean): void {
    clearTimeout(this.#timer);
    if (silent) this.text = '';
    else this.#timer = setTimeout(() => (this.text = text), SETTLED);
  }
}
