// Loss against depth as points of a figure: a function of the losses and a size.

import type { ShippedLoss } from '../../../run/manifest';

export interface DepthPoint extends ShippedLoss {
  readonly x: number;
  readonly y: number;
  /** Position of the label, clear of the line. */
  readonly label: Label;
  /** Whether no other depth has a lower loss. */
  readonly best: boolean;
}

interface Label {
  readonly x: number;
  readonly y: number;
  readonly anchor: 'middle' | 'start';
}

/** Room for the numbers above or below the points, and the depths below them. */
export const MARGIN = { side: 22, above: 26, below: 40 } as const;

/** Smallest range of the vertical axis. */
const LEAST_SPAN = 0.05;

/** Steeper lines would cross a label. */
const STEEP = 0.35;

/** Points of a figure of `width` × `height`, one column to a depth. */
export function depthPoints(
  losses: readonly ShippedLoss[],
  width: number,
  height: number,
): DepthPoint[] {
  const values = losses.map((row) => row.loss);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const span = Math.max(high - low, LEAST_SPAN);
  const column = losses.length > 1 ? (width - 2 * MARGIN.side) / (losses.length - 1) : 0;
  const tall = height - MARGIN.above - MARGIN.below;
  const y = (loss: number) => MARGIN.above + (1 - (loss - low) / span) * tall;
  return losses.map(({ depth, loss }, i) => {
    const at = { x: losses.length > 1 ? MARGIN.side + i * column : width / 2, y: y(loss) };
    const [before, after] = [losses[i - 1], losses[i + 1]];
    const slope = (from: number, to: number) => (y(to) - y(from)) / Math.max(1, column);
    const into = before ? slope(before.loss, loss) : 0;
    const out = after ? slope(loss, after.loss) : 0;
    return { depth, loss, ...at, label: beside(at, into, out), best: loss === low };
  });
}

/** The side of a point that the line into it and out of it leave free; slopes count downwards. */
function beside({ x, y }: { x: number; y: number }, into: number, out: number): Label {
  if (into > STEEP && out > STEEP) return { x: x + 8, y: y - 6, anchor: 'start' };
  const below = into > STEEP || out < -STEEP;
  return { x, y: below ? y + 18 : y - 9, anchor: 'middle' };
}
