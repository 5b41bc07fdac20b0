// Keeps the page's address in step with what it shows. Browsers refuse too many
// changes in a short time (Safari: 100 in 30 s), and a slider makes them quickly.

/** Milliseconds of rest before a change by hand is written. */
const REST = 300;
/** Milliseconds until a refused change is tried again. */
const AGAIN = 10_000;

export class AddressBar {
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Once the visitor has stopped moving something. */
  soon(search: string): void {
    this.#later(search, REST);
  }

  write(search: string): void {
    clearTimeout(this.#timer);
    try {
      history.replaceState(null, '', search + location.hash);
    } catch {
      this.#later(search, AGAIN);
    }
  }

  #later(search: string, ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.write(search), ms);
  }
}
