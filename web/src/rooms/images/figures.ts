// The figures of the training panel of an image run.

import { count, duration, percent } from '../../run/format';
import { type Phase, rowsPerSecond, type RunState, timeLeft } from '../../run/state';
import { TESTIDS } from '../../testids';
import type { Figure } from '../../ui/figure';
import { accuracyOf } from './scores';

/** `opened`: the model is as it came with the page. */
export function figuresOf(run: RunState, phase: Phase, opened: boolean): Figure[] {
  const parameters = {
    name: 'Parameters',
    value: run.summary ? count(run.summary.parameters) : '–',
  };
  if (opened) return [parameters];
  const left = timeLeft(run);
  const speed = rowsPerSecond(run);
  const last = run.scored.at(-1);
  return [
    {
      name: 'Training loss',
      value: run.training.at(-1)?.loss.toFixed(3) ?? '–',
      testid: TESTIDS.loss,
    },
    { name: 'Validation accuracy', value: last ? percent(accuracyOf(last)) : '–' },
    {
      name: 'Speed',
      value: speed ? `${count(Math.round(speed))} images/s` : '–',
      testid: TESTIDS.speed,
    },
    { name: 'Training time', value: duration(run.elapsed / 1000) },
    { name: 'Time left', value: phase === 'done' ? 'done' : left === null ? '–' : duration(left) },
    parameters,
  ];
}
