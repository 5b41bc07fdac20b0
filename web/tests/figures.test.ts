import { describe, expect, test } from 'vitest';

import { DEFAULT_CONFIG, type RunSummary } from '../src/gen';
import { figuresOf as languageFigures } from '../src/rooms/language/figures';
import { figuresOf as puzzleFigures } from '../src/rooms/puzzles/figures';
import { NO_RUN, type RunState } from '../src/run/state';

const SUMMARY: RunSummary = {
  config: DEFAULT_CONFIG,
  vocab: { kind: 'char', chars: 'ab' },
  parameters: 1234,
  step: 0,
  trainable: true,
  train_tokens: 100,
  val_tokens: 10,
  chance_loss: 4.174,
  training_flops_per_token: 1000,
  family: 'language',
  tokens_per_step: 64,
};
const RUN: RunState = { ...NO_RUN, summary: SUMMARY, training: [{ step: 1, loss: 2.5 }] };
const OPENED = { losses: [], minutes: 2 };

const names = (figures: readonly { name: string }[]) => figures.map(({ name }) => name);

describe('the figures of a run', () => {
  test('are unknown without one', () => {
    const shown = [...languageFigures(NO_RUN, 'opening', null)];
    expect(shown.find(({ name }) => name === 'Parameters')?.value).toBe('–');
    expect(shown.find(({ name }) => name === 'Training loss')?.value).toBe('–');
  });

  test('have its loss, and say when it is done', () => {
    for (const shown of [languageFigures(RUN, 'done', null), puzzleFigures(RUN, 'done', false)]) {
      expect(shown.find(({ name }) => name === 'Training loss')?.value).toBe('2.500');
      expect(shown.find(({ name }) => name === 'Time left')?.value).toBe('done');
    }
  });

  test('leave out what a model that was only opened has not', () => {
    expect(names(puzzleFigures(RUN, 'paused', true))).toEqual(['Parameters']);
    const shown = languageFigures(RUN, 'paused', OPENED);
    expect(names(shown)).toEqual([
      ...['Validation loss', 'Random guessing', 'Training time', 'Parameters'],
    ]);
    expect(shown.find(({ name }) => name === 'Training time')?.value).toBe('2 min 00 s');
  });
});
