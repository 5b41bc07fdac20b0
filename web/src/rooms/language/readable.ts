// Steps until most generated words are readable: the step at which the validation loss
// of a preset fell below 2.0 (trm-native train PRESET, seed 1337).

export const READABLE_LOSS = 2.0;

export const READABLE_STEPS: Readonly<Record<string, number>> = {
  'page-tiny': 500,
  'page-small': 350,
  'shakespeare-char-cpu': 300,
};
