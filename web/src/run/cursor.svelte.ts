// The selected cell of the grid: a cycle and a position.

/** Milliseconds on each cycle while they are played. */
const BEAT = 550;

export class Cursor {
  /** From 1; `null` is the last. */
  cycle = $state<number | null>(null);
  /** Position in the text, from 0; `null` is the last. */
  at = $state<number | null>(null);
  playing = $state(false);

  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Goes through the cycles up to `depth`, from the first. */
  play(depth: number): void {
    this.stop();
    this.playing = true;
    const show = (cycle: number) => {
      this.cycle = cycle;
      this.#timer = setTimeout(() => {
        if (cycle < depth) show(cycle + 1);
        else this.playing = false;
      }, BEAT);
    };
    show(1);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.playing = false;
  }

  /** Looks at one cell. */
  set(cycle: number | null, at: number | null): void {
    this.stop();
    this.cycle = cycle;
    this.at = at;
  }
}
