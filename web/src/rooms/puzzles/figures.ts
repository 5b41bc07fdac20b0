// The figures of the training panel of a puzzle run.

import { count, duration } from '../../run/format';
import { type Phase, rowsPerSecond, type RunState, timeLeft } from '../../run/state';
import { TESTIDS } from '../../testids';
import type { Figure } from '../../ui/figure';

/** `opened`: whether the run is a pre-trained model that has not been trained here. */
export function figuresOf(run: RunState, phase: Phase, opened: boolean): Figure[] {
  const parameters = run.summary ? count(run.summary.parameters) : '–';
  const size = { name: 'Parameters', value: parameters };
  if (opened) return [size];
  const loss = run.training.at(-1)?.loss.toFixed(3) ?? '–';
  const solved = run.solved?.exact_accuracy;
  const speed = rowsPerSecond(run);
  const rate = speed ? `${count(Math.round(speed))} puzzles × steps/s` : '–';
  const left = timeLeft(run);
  const timing = phase === 'done' ? 'done' : left === null ? '–' : duration(left);
  return [
    { name: 'Training loss', value: loss, testid: TESTIDS.loss },
    {
      name: 'Solved in training',
      value: solved === undefined ? '–' : `${(100 * solved).toFixed(1)} %`,
    },
    { name: 'Speed', value: rate, testid: TESTIDS.speed },
    { name: 'Training time', value: duration(run.elapsed / 1000) },
    { name: 'Time left', value: timing },
    size,
  ];
}
