// Lines of the language page's charts: both sides of an A/B comparison, both losses of
// the leak demonstration.

import type { Line } from '../../../ui/draw/chart';
import { along, type Measure, type SideState } from '../comparison-side';
import type { Score } from '../leak-scores';

/** Line styles of the sides of an A/B comparison. */
export const SIDES = {
  a: { colour: '--depth-3', dash: [] },
  b: { colour: '--depth-1', dash: [7, 4] },
} as const;

/** Both sides of an A/B comparison: pale batches, and validations in distinct styles. */
export function comparisonLines(sides: readonly [SideState, SideState], measure: Measure): Line[] {
  const named = [
    { label: 'A', side: sides[0], ...SIDES.a },
    { label: 'B', side: sides[1], ...SIDES.b },
  ];
  const lines = named.map(({ label, side, colour, dash }) => {
    const at = along(side, measure);
    const spots = ({ training, validation }: SideState) =>
      [training, validation].map((points) => points.map((p) => ({ x: at(p), loss: p.loss })));
    const [batches = [], validations = []] = spots(side);
    return [
      { spots: batches, colour, width: 1, opacity: 0.35 },
      { spots: validations, colour, dash, width: 2, label },
    ];
  });
  return [...lines.map(([batches]) => batches), ...lines.map(([, valid]) => valid)].filter(
    (line) => line !== undefined,
  );
}

/** Line styles of the scores with and without the leak. */
export const STARTS = {
  leaking: { colour: '--depth-1', dash: [7, 4] },
  honest: { colour: '--depth-3', dash: [] },
} as const;

/** The scores of the same model with and without the leak. */
export function leakLines(scores: readonly Score[]): Line[] {
  const from = (start: 'leaking' | 'honest', label: string): Line => ({
    spots: scores.map((score) => ({ x: score.step, loss: score[start] })),
    ...STARTS[start],
    width: 2,
    label,
  });
  return [from('leaking', 'with leak'), from('honest', 'without')];
}
