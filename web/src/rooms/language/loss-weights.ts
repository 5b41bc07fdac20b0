// Loss weights of the cycles, as the controls show and change them.

import type { RunConfig } from '../../gen';
import type { Patch } from '../../run/settings';
import { depthOf } from '../../gen';

export type Weighting = 'last' | 'equal' | 'growing';

/** Smallest weight of the first cycle: the setting does not allow 0 there. */
export const LEAST_FIRST = 0.05;

/** Weights between 0 and 1, first cycle first. */
export function weightsOf({ model, train }: RunConfig): number[] {
  const cycles = Array.from({ length: depthOf(model) }, (_, i) => i);
  const { objective, cycle_weights } = train;
  if (objective === 'last_cycle') return cycles.map((i) => (i + 1 < cycles.length ? 0 : 1));
  const given = cycles.map((i) => cycle_weights[i] ?? cycle_weights.at(-1) ?? 1);
  const most = Math.max(...given);
  return given.map((weight) => rounded(weight / Math.max(1, most)));
}

/** `own` for weights that match no named weighting. */
export function weightingOf(config: RunConfig): Weighting | 'own' {
  if (config.train.objective === 'last_cycle') return 'last';
  const weights = weightsOf(config);
  if (weights.every((weight) => weight === weights[0])) return 'equal';
  return String(weights) === String(growing(weights.length)) ? 'growing' : 'own';
}

export function weightingPatch(weighting: Weighting, cycles: number): Patch {
  switch (weighting) {
    case 'last':
      return { objective: 'last_cycle' };
    case 'equal':
      return { objective: 'every_cycle', cycle_weights: [] };
    case 'growing':
      return { objective: 'every_cycle', cycle_weights: growing(cycles) };
    default:
      return weighting satisfies never;
  }
}

/** The weights with that of one cycle changed. */
export function weightPatch(config: RunConfig, cycle: number, weight: number): Patch {
  const weights = weightsOf(config).map((each, i) => (i === cycle ? weight : each));
  const [first = 1, ...rest] = weights;
  return { objective: 'every_cycle', cycle_weights: [Math.max(LEAST_FIRST, first), ...rest] };
}

function growing(cycles: number): number[] {
  return Array.from({ length: cycles }, (_, i) => rounded((i + 1) / cycles));
}

function rounded(weight: number): number {
  return Math.round(weight * 100) / 100;
}
