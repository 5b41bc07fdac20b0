import { describe, expect, test } from 'vitest';

import { DEFAULT_CONFIG, type RunConfig, type RunSummary, tokensPerStep } from '../src/gen';
import { named, TextDatasets } from '../src/rooms/language/datasets';
import { readable } from '../src/rooms/language/prompt';
import { further, loadedHint } from '../src/run/further';

const SUMMARY: RunSummary = {
  config: DEFAULT_CONFIG,
  vocab: { kind: 'char', chars: ' ehlst' },
  parameters: 10,
  step: 7,
  trainable: true,
  train_tokens: 100,
  val_tokens: 10,
  chance_loss: Math.log(6),
  training_flops_per_token: 1e6,
  family: 'language',
  tokens_per_step: tokensPerStep(DEFAULT_CONFIG),
};

test('a run is named after the text that it learns from', () => {
  const config = { ...DEFAULT_CONFIG, data: { ...DEFAULT_CONFIG.data, dataset: 'mine.txt' } };
  expect(named(config, 'a text').data.dataset).toBe('mine.txt');
  expect(named(config, null).data.dataset).toBe('shakespeare');
  expect(named(DEFAULT_CONFIG, 'a text').data.dataset).toBe('own text');
});

test('a prompt that the text cannot have gives way to how the text begins', () => {
  const text = '\n she sells';
  expect(readable('the', SUMMARY, text)).toBe('the');
  expect(readable('ROMEO:', SUMMARY, text)).toBe('she');
  expect(readable('ROMEO:', SUMMARY, null)).toBe('ROMEO:');
});

test('a prompt that a model of the page cannot read gives way to the usual one', () => {
  const summary: RunSummary = { ...SUMMARY, vocab: { kind: 'char', chars: 'ROME:KING' } };
  expect(readable('Ночь', summary, null)).toBe('ROMEO:');
  expect(readable('KING', summary, null)).toBe('KING');
  // Where it cannot read that one either, the page says what is wrong.
  expect(readable('Ночь', SUMMARY, null)).toBe('Ночь');
});

const untrainable = () => new TextDatasets().untrainable();

test('a loaded checkpoint says what can be done with it', () => {
  expect(loadedHint(SUMMARY, untrainable)).toContain('Training continues');
  expect(loadedHint({ ...SUMMARY, trainable: false }, untrainable)).toContain(
    'Drop its training text',
  );
  expect(loadedHint({ ...SUMMARY, step: DEFAULT_CONFIG.train.max_iters }, untrainable)).toContain(
    'max_iters',
  );
});

describe('a run that has made all its steps', () => {
  const config = (train: Partial<RunConfig['train']>): RunConfig => ({
    ...DEFAULT_CONFIG,
    train: { ...DEFAULT_CONFIG.train, ...train },
  });
  const rates = { learning_rate: 1e-3, min_lr: 1e-4 };

  test('goes on at the rate it ended with', () => {
    const cosine = config({ lr_schedule: 'cosine', ...rates });
    expect(further(cosine, 2000, 500)).toEqual({ max_iters: 2500, learning_rate: 1e-4 });
    const constant = config({ lr_schedule: 'constant', ...rates });
    expect(further(constant, 2000, 500)).toEqual({ max_iters: 2500, learning_rate: 1e-3 });
  });

  test('never goes on faster, nor at no rate at all', () => {
    const slow = config({ lr_schedule: 'cosine', learning_rate: 1e-5, min_lr: 1e-4 });
    expect(further(slow, 10, 5).learning_rate).toBe(1e-5);
    const none = config({ lr_schedule: 'cosine', learning_rate: 1e-3, min_lr: 0 });
    expect(further(none, 10, 5).learning_rate).toBe(1e-3);
  });
});
