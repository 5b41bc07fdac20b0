// How long until the text can be read: the step at which the validation loss of
// a preset fell below 2.0 in our own runs (trm-native train PRESET, seed 1337),
// where most words are words.

export const READABLE_LOSS = 2.0;

export const READABLE_STEPS: Readonly<Record<string, number>> = {
  'page-tiny': 500,
  'page-small': 350,
  'shakespeare-char-cpu': 300,
};
