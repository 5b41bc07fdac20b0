import { describe, expect, test } from 'vitest';

import { DEFAULT_CONFIG, type RunConfig } from '../src/gen';
import {
  LEAST_FIRST,
  weightingOf,
  weightingPatch,
  weightPatch,
  weightsOf,
} from '../src/rooms/language/loss-weights';

function config(train: Partial<RunConfig['train']>, recursion_steps = 3): RunConfig {
  const { model } = DEFAULT_CONFIG;
  if (model.variant !== 'chat_trm') throw new Error('the default is a causal model');
  return {
    ...DEFAULT_CONFIG,
    model: { ...model, recursion_steps },
    train: { ...DEFAULT_CONFIG.train, ...train },
  };
}

describe('the weights of the cycles', () => {
  test('show what the objective looks at', () => {
    expect(weightsOf(config({ objective: 'last_cycle' }))).toEqual([0, 0, 1]);
    expect(weightsOf(config({ objective: 'every_cycle' }))).toEqual([1, 1, 1]);
    const own = config({ objective: 'every_cycle', cycle_weights: [1, 2, 4] });
    expect(weightsOf(own)).toEqual([0.25, 0.5, 1]);
    expect(weightingOf(own)).toBe('own');
  });

  test.each(['last', 'equal', 'growing'] as const)('that are %s are read back', (weighting) => {
    for (const cycles of [2, 3, 5, 8]) {
      const changed = config({ ...weightingPatch(weighting, cycles) }, cycles);
      expect(weightingOf(changed)).toBe(weighting);
    }
  });

  test('are as many as cycles, and the first is never nothing', () => {
    const last = config({ objective: 'last_cycle' });
    expect(weightPatch(last, 1, 0.5)).toEqual({
      objective: 'every_cycle',
      cycle_weights: [LEAST_FIRST, 0.5, 1],
    });
    expect(weightPatch(last, 0, 0)['cycle_weights']).toEqual([LEAST_FIRST, 0, 1]);
  });
});
