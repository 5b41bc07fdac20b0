// Progress of one side of an A/B comparison, and the result of the comparison.

import type { RunSummary, StepReport } from '../../gen';
import { type Point, thin } from '../../run/state';
import { duration } from '../../run/format';

/** A loss, and the milliseconds of training until then. */
export interface Timed extends Point {
  readonly ms: number;
}

export interface SideState {
  readonly summary: RunSummary;
  readonly step: number;
  /** Milliseconds of training. */
  readonly elapsed: number;
  readonly training: readonly Timed[];
  /** At the depth that this side is trained at. */
  readonly validation: readonly Timed[];
}

export type Measure = 'steps' | 'compute' | 'time';
export const MEASURES: readonly Measure[] = ['steps', 'compute', 'time'];

export function began(summary: RunSummary): SideState {
  return { summary, step: summary.step, elapsed: 0, training: [], validation: [] };
}

export function stepped(side: SideState, reports: readonly StepReport[], ms: number): SideState {
  const each = ms / Math.max(1, reports.length);
  const made = reports.map(({ step, loss }, i) => ({
    step,
    loss,
    ms: side.elapsed + (i + 1) * each,
  }));
  return {
    ...side,
    step: reports.at(-1)?.step ?? side.step,
    elapsed: side.elapsed + ms,
    training: thin([...side.training, ...made]),
  };
}

export function validated(side: SideState, loss: number): SideState {
  const { step, elapsed: ms } = side;
  return { ...side, validation: [...side.validation, { step, loss, ms }] };
}

export function flopsPerStep({ tokens_per_step, training_flops_per_token }: RunSummary): number {
  return training_flops_per_token * tokens_per_step;
}

/** Where a loss of a side lies along an axis: steps, operations or seconds. */
export function along(side: SideState, measure: Measure): (point: Timed) => number {
  switch (measure) {
    case 'steps':
      return (point) => point.step;
    case 'compute': {
      const each = flopsPerStep(side.summary);
      return (point) => point.step * each;
    }
    case 'time':
      return (point) => point.ms / 1000;
    default:
      return measure satisfies never;
  }
}

/** Two seeds of one configuration differ by up to this much (docs/results.md). */
const SEED_NOISE = 0.022;

/** The validation losses compared at equal progress; `null` before both have one. */
export function verdict(a: SideState, b: SideState, measure: Measure): string | null {
  const [atA, atB] = [along(a, measure), along(b, measure)];
  const [endA, endB] = [a.validation.at(-1), b.validation.at(-1)];
  const common = Math.min(endA ? atA(endA) : 0, endB ? atB(endB) : 0);
  if (common <= 0) return null;
  const lossA = between(a.validation, atA, common);
  const lossB = between(b.validation, atB, common);
  const gap = lossB - lossA;
  const [better, low, high] = gap > 0 ? ['A', lossA, lossB] : ['B', lossB, lossA];
  const noise = Math.abs(gap) < SEED_NOISE ? 'within noise for one seed' : 'one seed each';
  const result = !Number.isFinite(gap)
    ? 'one side has no loss to compare'
    : gap === 0
      ? `A and B are equal (${lossA.toFixed(3)})`
      : `${better} is better by ${Math.abs(gap).toFixed(3)} (${low.toFixed(3)} against ${high.toFixed(3)}; ${noise})`;
  return `${where(measure, common)}, ${result}. Losses are measured on part of the validation text.`;
}

function where(measure: Measure, common: number): string {
  switch (measure) {
    case 'steps':
      return `After ${Math.round(common).toLocaleString('en-US')} steps each`;
    case 'compute':
      return 'At equal compute';
    case 'time':
      return `After ${duration(common)} each`;
    default:
      return measure satisfies never;
  }
}

/** The loss at a place between two validations, on the line between them. */
function between(points: readonly Timed[], at: (point: Timed) => number, x: number): number {
  const after = points.findIndex((point) => at(point) >= x);
  const right = points[after] ?? points.at(-1);
  const left = points[after - 1];
  if (!right) return NaN;
  if (!left || at(right) <= at(left)) return right.loss;
  const share = Math.min(1, (x - at(left)) / (at(right) - at(left)));
  return left.loss + share * (right.loss - left.loss);
}
