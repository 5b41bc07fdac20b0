// The figures of the training panel of a language run.

import { depthOf } from '../../gen';
import { count, duration } from '../../run/format';
import type { Shipped } from '../../run/manifest';
import { type Phase, type RunState, timeLeft, tokensPerSecond } from '../../run/state';
import { TESTIDS } from '../../testids';
import type { Figure } from '../../ui/figure';

/** `opened`: the pre-trained model that is open and has not been trained here. */
export function figuresOf(
  run: RunState,
  phase: Phase,
  opened: Pick<Shipped, 'losses' | 'minutes'> | null,
): Figure[] {
  const { summary, training, validation, elapsed } = run;
  const trained = summary && depthOf(summary.config.model);
  const losses = opened ? opened.losses : validation.at(-1)?.depths;
  const validated = losses?.find(({ depth }) => depth === trained)?.loss;
  const seconds = opened ? 60 * opened.minutes : elapsed / 1000;
  const left = timeLeft(run);
  const timing = phase === 'done' ? 'done' : left === null ? '–' : duration(left);
  const speed = tokensPerSecond(run);
  const rate = speed ? `${count(Math.round(speed))} tokens/s` : '–';
  const three = (loss: number | undefined) => loss?.toFixed(3) ?? '–';
  /** What only a run that is trained here has. */
  const here = (figure: Figure): Figure[] => (opened ? [] : [figure]);
  return [
    ...here({ name: 'Training loss', value: three(training.at(-1)?.loss), testid: TESTIDS.loss }),
    { name: 'Validation loss', value: three(validated), testid: TESTIDS.validation },
    { name: 'Random guessing', value: three(summary?.chance_loss), testid: TESTIDS.chance },
    ...here({ name: 'Speed', value: rate, testid: TESTIDS.speed }),
    { name: 'Training time', value: duration(seconds) },
    ...here({ name: 'Time left', value: timing }),
    { name: 'Parameters', value: summary ? count(summary.parameters) : '–' },
  ];
}
