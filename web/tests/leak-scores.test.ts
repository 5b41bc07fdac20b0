import { describe, expect, test } from 'vitest';

import { type DepthLoss, type RunSummary, tokensPerStep } from '../src/gen';
import { leakLines } from '../src/rooms/language/draw/lines';
import {
  advanced,
  type LeakRun,
  leakConfig,
  nextScore,
  opened,
  perplexity,
  progress,
  scored,
  timeLeft,
  told,
} from '../src/rooms/language/leak-scores';

const SUMMARY: RunSummary = {
  config: leakConfig(),
  vocab: { kind: 'char', chars: 'ab' },
  parameters: 10,
  step: 0,
  trainable: true,
  train_tokens: 100,
  val_tokens: 10,
  chance_loss: Math.log(65),
  training_flops_per_token: 1000,
  family: 'language',
  tokens_per_step: tokensPerStep(leakConfig()),
};

/** A score; the losses that the demonstration has no use for are the honest one's. */
function loss(honest: number, leaking?: number): DepthLoss {
  const unused = { perplexity: 0, bits_per_char: 0, bits_per_byte: 0, word_perplexity: 0 };
  const found = { depth: 2, loss: honest, ...unused };
  return leaking === undefined ? found : { ...found, leaking_loss: leaking };
}

/** At a step, after a second for every ten. */
const at = (step: number): LeakRun => advanced(opened(SUMMARY), step, step * 100);

test('the demonstration trains a model whose draft starts as its answer', () => {
  expect(leakConfig().model).toMatchObject({ variant: 'chunk_lm', draft_start: 'targets' });
});

describe('scores', () => {
  test('keep both starts apart, at the step they belong to', () => {
    const run = scored(advanced(scored(opened(SUMMARY), loss(4, 3)), 20, 1), loss(5, 0.1));
    expect(run.scores).toEqual([
      { step: 0, leaking: 3, honest: 4 },
      { step: 20, leaking: 0.1, honest: 5 },
    ]);
    const [leaking, honest] = leakLines(run.scores);
    expect(leaking?.spots.map((spot) => spot.loss)).toEqual([3, 0.1]);
    expect(honest?.spots).toEqual([
      { x: 0, loss: 4 },
      { x: 20, loss: 5 },
    ]);
    expect(leaking?.dash).not.toEqual(honest?.dash);
  });

  test('are refused of a model that has only one start', () => {
    expect(() => scored(opened(SUMMARY), loss(4))).toThrow('not scored with the leak');
  });

  test('are due every twenty steps and at the last', () => {
    expect([0, 5, 19, 20, 299].map((step) => nextScore(at(step)))).toEqual([20, 20, 20, 40, 300]);
    const train = { ...SUMMARY.config.train, max_iters: 30 };
    const short = opened({ ...SUMMARY, config: { ...SUMMARY.config, train } });
    expect(nextScore(advanced(short, 20, 1))).toBe(30);
  });
});

test('progress says the step, and the time that is left once there is a pace', () => {
  expect(progress(at(120))).toBe('step 120 of 300');
  expect([0, 120, 300].map((step) => timeLeft(at(step)))).toEqual([null, '18 s left', null]);
});

test('a perplexity has the digits that mean something', () => {
  const shown = [1.004, 2.37, 65, 512.4, 5807, 27_300].map((p) => perplexity(Math.log(p)));
  expect(shown).toEqual(['1.00', '2.37', '65.0', '512', '5,807', '27k']);
});

describe('what is read out', () => {
  const first = scored(at(20), loss(5.5, 0.4));
  const second = scored(advanced(first, 40, 1), loss(6, 0.1));

  test('is the same while it trains, so that it is said once', () => {
    expect(told('training', second)).toBe(told('training', first));
  });

  test('names both numbers and guessing in the end', () => {
    for (const phase of ['stopped', 'done'] as const) {
      expect(told(phase, second)).toMatch(
        /^After 40 steps, .* 1\.11 .* 403 .* uniform guessing has 65\.0\.$/,
      );
    }
    expect(told('stopped', scored(opened(SUMMARY), loss(4, 3)))).toMatch(/^Before training/);
  });

  test('is nothing before it begins, and an alert’s business where it fails', () => {
    expect([told('ready', null), told('failed', second)]).toEqual(['', '']);
  });
});
