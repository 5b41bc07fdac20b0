import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import type { RunSummary, StepReport } from '../src/gen';
import { DEFAULT_CONFIG, tokensPerStep } from '../src/gen';
import {
  type RunEvent,
  NO_RUN,
  type Point,
  reduce,
  rowsPerSecond,
  type RunState,
  sparse,
  telling,
  thin,
  timeLeft,
  tokensPerSecond,
  type Validation,
} from '../src/run/state';
import { lengthOf } from '../src/gen';

const SUMMARY: RunSummary = {
  config: DEFAULT_CONFIG,
  vocab: { kind: 'char', chars: 'ab' },
  parameters: 10,
  step: 7,
  trainable: true,
  train_tokens: 100,
  val_tokens: 10,
  chance_loss: Math.log(2),
  training_flops_per_token: 1e6,
  family: 'language',
  tokens_per_step: tokensPerStep(DEFAULT_CONFIG),
};

function report(step: number, loss = 3): StepReport {
  return { step, loss, learning_rate: step / 1000, depth: 2 };
}

function after(...happenings: RunEvent[]): RunState {
  return happenings.reduce(reduce, NO_RUN);
}

const BEGAN: RunEvent = { type: 'began', summary: SUMMARY, history: null };

describe('reduce', () => {
  test('a new run starts at its own step, with nothing of the one before', () => {
    const state = after(
      BEGAN,
      { type: 'stepped', reports: [report(8)], ms: 50 },
      { type: 'began', summary: { ...SUMMARY, step: 0 }, history: null },
    );
    expect(state).toEqual({ ...NO_RUN, summary: { ...SUMMARY, step: 0 } });
  });

  test('a run that is taken up goes on with its history', () => {
    const history = { training: [{ step: 7, loss: 2 }], validation: [], elapsed: 900 };
    const state = after(
      { type: 'began', summary: SUMMARY, history },
      { type: 'stepped', reports: [report(8, 1.5)], ms: 100 },
    );
    expect(state.training).toEqual([
      { step: 7, loss: 2 },
      { step: 8, loss: 1.5 },
    ]);
    expect(state.elapsed).toBe(1000);
    expect(state.step).toBe(8);
  });

  test('steps set the rate and a smoothed speed', () => {
    const reports = [report(8), report(9)];
    const first = after(BEGAN, { type: 'stepped', reports, ms: 200 });
    expect(first.msPerStep).toBe(100);
    expect(first.learningRate).toBe(0.009);
    const second = reduce(first, { type: 'stepped', reports: [report(10)], ms: 200 });
    expect(second.msPerStep).toBeCloseTo(120);
  });

  test('no report, no change', () => {
    const state = after(BEGAN);
    expect(reduce(state, { type: 'stepped', reports: [], ms: 5 })).toBe(state);
  });

  test('changed settings keep what was learned', () => {
    const changed = { ...SUMMARY, trainable: false };
    const state = after(
      BEGAN,
      { type: 'stepped', reports: [report(8)], ms: 5 },
      { type: 'changed', summary: changed },
    );
    expect(state.summary).toBe(changed);
    expect(state.training).toHaveLength(1);
  });

  test('changes are noted with what they changed, and none where nothing did', () => {
    const to = (learning_rate: number): RunEvent => {
      const train = { ...DEFAULT_CONFIG.train, learning_rate };
      return { type: 'changed', summary: { ...SUMMARY, config: { ...DEFAULT_CONFIG, train } } };
    };
    const once = after(BEGAN, to(0.5));
    const noted = { step: 7, key: 'learning_rate', from: '0.001', to: '0.5' };
    expect(once.changes).toEqual([noted]);
    expect(reduce(once, to(0.5)).changes).toEqual([noted]);
    // Moved again before the next step: one change, and none if it is back.
    expect(reduce(once, to(0.25)).changes).toEqual([{ ...noted, to: '0.25' }]);
    expect(reduce(once, to(0.001)).changes).toEqual([]);
    const later = reduce(reduce(once, { type: 'stepped', reports: [report(9)], ms: 5 }), to(0.25));
    expect(later.changes).toEqual([noted, { ...noted, step: 9, from: '0.5', to: '0.25' }]);
  });

  test('a run that was kept without its changes has none', () => {
    const history = { training: [], validation: [], elapsed: 0 };
    expect(after({ type: 'began', summary: SUMMARY, history }).changes).toEqual([]);
  });

  test('scores of images are kept in order, and taken up with a run', () => {
    const at = (step: number) => ({ step, images: 9, steps: [] });
    const state = after(
      BEGAN,
      { type: 'scored', scored: at(0) },
      { type: 'scored', scored: at(100) },
    );
    expect(state.scored.map(({ step }) => step)).toEqual([0, 100]);
    const { training, validation, elapsed, scored } = state;
    const history = { training, validation, elapsed, scored };
    expect(after({ type: 'began', summary: SUMMARY, history }).scored).toEqual(scored);
  });

  test('validations are kept in order', () => {
    const at = (step: number) => ({ step, depths: [] });
    const state = after(
      BEGAN,
      { type: 'validated', validation: at(0) },
      { type: 'validated', validation: at(100) },
    );
    expect(state.validation.map((v) => v.step)).toEqual([0, 100]);
  });
});

describe('thin', () => {
  const points = (n: number): Point[] =>
    Array.from({ length: n }, (_, i) => ({ step: i + 1, loss: i }));

  test('leaves short lists alone', () => {
    const short = points(2000);
    expect(thin(short)).toBe(short);
  });

  test('keeps steps rising, the mean and a bounded length', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2001, max: 6000 }), (n) => {
        const halved = thin(points(n));
        expect(halved).toHaveLength(Math.ceil(n / 2));
        expect(halved.every((p, i) => i === 0 || p.step > (halved[i - 1]?.step ?? 0))).toBe(true);
        expect(halved.at(-1)?.step).toBe(n);
      }),
      { numRuns: 20 },
    );
    expect(thin(points(2002))[0]).toEqual({ step: 2, loss: 0.5 });
  });
});

test('validations of a long run are bounded, and the latest stays', () => {
  const validated = (n: number) =>
    Array.from({ length: n }, (_, i): Validation => ({ step: i, depths: [] }));
  const short = validated(400);
  expect(sparse(short)).toBe(short);
  for (const n of [401, 402]) {
    const kept = sparse(validated(n)).map(({ step }) => step);
    expect(kept).toHaveLength(Math.ceil(n / 2));
    expect(kept.at(-1)).toBe(n - 1);
    expect(kept[1]).toBe((kept[0] ?? 0) + 2);
  }
});

test('the depths to validate hold the trained one, in order and once', () => {
  expect(telling(2)).toEqual([1, 2, 4]);
  expect(telling(3)).toEqual([1, 2, 3, 4]);
  expect(telling(8)).toEqual([1, 2, 4, 8]);
});

describe('speed', () => {
  test('is unknown before the first step', () => {
    expect(timeLeft(after(BEGAN))).toBeNull();
    expect(tokensPerSecond(after(BEGAN))).toBeNull();
    expect(tokensPerSecond(NO_RUN)).toBeNull();
  });

  test('counts tokens and the time to the last step', () => {
    const state = after(BEGAN, { type: 'stepped', reports: [report(8)], ms: 500 });
    const { train, model } = DEFAULT_CONFIG;
    expect(tokensPerSecond(state)).toBe(2 * train.batch_size * lengthOf(model));
    expect(timeLeft(state)).toBe((train.max_iters - 8) / 2);
    expect(timeLeft({ ...state, step: train.max_iters + 1 })).toBe(0);
  });

  test('counts the tokens of all accumulated batches', () => {
    const train = { ...DEFAULT_CONFIG.train, gradient_accumulation_steps: 4 };
    const config = { ...DEFAULT_CONFIG, train };
    const summary = { ...SUMMARY, config, tokens_per_step: tokensPerStep(config) };
    const began: RunEvent = { type: 'began', summary, history: null };
    const state = after(began, { type: 'stepped', reports: [report(8)], ms: 1000 });
    const rows = 4 * train.batch_size;
    expect(tokensPerSecond(state)).toBe(rows * lengthOf(config.model));
    expect(rowsPerSecond(state)).toBe(rows);
  });
});
