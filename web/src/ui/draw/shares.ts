// Scales of a chart of percentages: from 0 or another floor to 100 % upwards, any number
// along.

export interface Spot {
  readonly x: number;
  /** From 0 to 1. */
  readonly y: number;
}

export interface ShareLine {
  readonly name: string;
  /** A custom property of the page, such as `--accent`. */
  readonly colour: string;
  readonly spots: readonly Spot[];
  /** Whether every point is marked: where there are few. */
  readonly dots?: boolean;
}

export interface Scale {
  readonly x: (at: number) => number;
  readonly y: (share: number) => number;
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

const MARGIN = { left: 48, right: 14, above: 10, below: 26 } as const;

/** `from` and `to`: the range of the horizontal axis; `floor`: where the other begins. */
export function scale(from: number, to: number, width: number, height: number, floor = 0): Scale {
  const [left, right] = [MARGIN.left, Math.max(MARGIN.left + 1, width - MARGIN.right)];
  const [top, bottom] = [MARGIN.above, height - MARGIN.below];
  const span = Math.max(to - from, 1e-9);
  const within = (share: number) => Math.min(1, Math.max(0, share));
  return {
    x: (at) => left + ((at - from) / span) * (right - left),
    y: (share) => bottom - within((share - floor) / (1 - floor)) * (bottom - top),
    ...{ left, right, top, bottom },
  };
}

/** Steps that are named below a figure: all of a few, and some of many. */
export function named(steps: number, width: number): number[] {
  const every = Math.max(1, Math.ceil((steps * 26) / Math.max(1, width)));
  const all = Array.from({ length: steps }, (_, i) => i + 1);
  return all.filter((step) => step === 1 || step % every === 0);
}
