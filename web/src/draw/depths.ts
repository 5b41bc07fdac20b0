// Loss against depth as points of a figure: a function of the losses and a size.

import type { ShippedLoss } from '../state/manifest';

export interface DepthPoint extends ShippedLoss {
  readonly x: number;
  readonly y: number;
  /** Whether no other depth has a lower loss. */
  readonly best: boolean;
}

/** Room for the numbers above the points and the depths below them. */
export const ROOM = { side: 22, above: 26, below: 26 } as const;

/** Losses closer together than this are drawn as close, not as steep. */
const LEAST_SPAN = 0.05;

/** Points of a figure of `width` × `height`, one column to a depth. */
export function depthPoints(
  losses: readonly ShippedLoss[],
  width: number,
  height: number,
): DepthPoint[] {
  const values = losses.map((row) => row.loss);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const span = Math.max(high - low, LEAST_SPAN);
  const column = losses.length > 1 ? (width - 2 * ROOM.side) / (losses.length - 1) : 0;
  const tall = height - ROOM.above - ROOM.below;
  return losses.map(({ depth, loss }, i) => ({
    depth,
    loss,
    x: losses.length > 1 ? ROOM.side + i * column : width / 2,
    y: ROOM.above + (1 - (loss - low) / span) * tall,
    best: loss === low,
  }));
}
