// Steps until most generated words are readable: the step at which the validation loss
// of a preset fell below 2.0 (trm-native train PRESET, seed 1337).

import { duration } from '../../run/format';

export const READABLE_LOSS = 2.0;

export const READABLE_STEPS: Readonly<Record<string, number>> = {
  'page-tiny': 500,
  'page-small': 350,
  'shakespeare-char-cpu': 300,
};

/** Presets for a model that is trained in the tab, small first. */
export const FOR_THE_TAB: readonly string[] = [
  'page-tiny',
  'page-small',
  'shakespeare-char-cpu',
  'page-chunk',
];

/**
 * Seconds on the clock for each second of steps: beside them the page writes, draws the
 * grid and validates. Measured with `page-tiny` on two cores: 60 s for 32 s of steps.
 */
const CLOCK = 1.9;

/** How long a preset takes to readable text on this machine; empty where that is not known. */
export function readableIn(name: string, estimates: Readonly<Record<string, number>>): string {
  const [ms, steps] = [estimates[name], READABLE_STEPS[name]];
  if (ms === undefined || steps === undefined) return '';
  return `about ${duration((CLOCK * ms * steps) / 1000)} until most words are readable`;
}
