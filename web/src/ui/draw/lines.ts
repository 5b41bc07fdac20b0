// The lines of a run on a chart: training batches, and validations by depth.

import type { PastRun } from '../../run/past-runs.svelte';
import type { Change, History, Point } from '../../run/state';
import type { Line, Spot } from './chart';

const DEPTHS = ['--depth-1', '--depth-2', '--depth-3', '--depth-4'];

/** Line styles of earlier runs, distinct also without colours. */
export const PAST = [
  { colour: '--past-1', dash: [6, 3] },
  { colour: '--past-2', dash: [2, 3] },
  { colour: '--past-3', dash: [9, 3, 2, 3] },
  { colour: '--past-4', dash: [12, 4] },
] as const;

const spot = ({ step, loss }: Point): Spot => ({ x: step, loss });

/** The current run: grey batches, and a colour for each validated depth. */
export function runLines({ training, validation }: History): Line[] {
  const all = validation.flatMap((v) => v.depths.map((d) => d.depth));
  const depths = [...new Set(all)].sort((a, b) => a - b);
  const spots = training.map(spot);
  const batches = { spots, colour: '--trace', width: 1.25, name: 'training' };
  const byDepth = depths.map((depth, i) => ({
    spots: atDepth({ training, validation, elapsed: 0 }, depth),
    colour: DEPTHS[i % DEPTHS.length] ?? '--accent',
    width: 2,
    label: `depth ${depth}`,
  }));
  return [batches, ...byDepth];
}

/** A run to compare with: one thin line. */
export function pastLine(run: PastRun): Line {
  const { colour, dash } = PAST[run.style % PAST.length] ?? PAST[0];
  const spots = run.validated ? atDepth(run.history, run.depth) : smooth(run.history.training);
  return { spots, colour, dash, width: 1.5, name: run.name };
}

function atDepth({ validation }: History, depth: number): Spot[] {
  return validation.flatMap((v) =>
    v.depths.filter((d) => d.depth === depth).map((d) => ({ x: v.step, loss: d.loss })),
  );
}

/** The running mean of batch losses, which are too noisy to compare. */
function smooth(points: readonly Point[]): Spot[] {
  let mean: number | undefined;
  return points.map(({ step, loss }) => {
    mean = mean === undefined ? loss : 0.95 * mean + 0.05 * loss;
    return { x: step, loss: mean };
  });
}

/** Changes that lie too close together to be told apart, as one mark. */
export interface Mark {
  readonly x: number;
  readonly changes: readonly Change[];
}

/** Where changes are marked; `x` is the chart's scale. */
export function marks(
  changes: readonly Change[],
  x: (step: number) => number,
  left: number,
  gap = 14,
): Mark[] {
  const found: { x: number; changes: Change[] }[] = [];
  for (const change of changes) {
    const at = x(change.step);
    // Of before what the chart shows.
    if (at < left) continue;
    const near = found.at(-1);
    if (near && at - near.x < gap) near.changes.push(change);
    else found.push({ x: at, changes: [change] });
  }
  return found;
}
