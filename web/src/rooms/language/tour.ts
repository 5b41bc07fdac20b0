// A short walk through what recursion is: each stop sets the controls and says
// what is seen there.

import type { Question } from './url';

/** Parts of the page, by the ids that links scroll to. */
export type Place = 'think' | 'depths' | 'attention' | 'train' | 'models';

export interface Stop {
  readonly place: Place;
  readonly title: string;
  readonly text: string;
  readonly question: Partial<Question>;
  /** Whether the cycles are played. */
  readonly play?: true;
}

export const TOUR: readonly Stop[] = [
  {
    place: 'think',
    title: 'One small network',
    text: 'At depth 1 the network reads the text once and guesses the next character. The grid has one row: its first thought after every character.',
    question: { depth: 1 },
  },
  {
    place: 'think',
    title: 'The same network again',
    text: 'At depth 2 the very same weights run once more, on what they left behind. Nothing was added but a second pass. A dot marks where it changed its mind.',
    question: { depth: 2 },
  },
  {
    place: 'think',
    title: 'Until it settles',
    text: 'Eight passes, one after the other. Colours grow stronger as guesses become sure, and the violet line falls: each pass moves the state less.',
    question: { depth: 8 },
    play: true,
  },
  {
    place: 'depths',
    title: 'Does it write better?',
    text: 'The same prompt and the same luck, at four depths. One pass spells; a few passes make words and lines.',
    question: { depths: [1, 2, 4, 8] },
  },
  {
    place: 'depths',
    title: 'What a pass is worth',
    text: 'Below the texts, the loss at every depth, measured here on text the model has not learned from. Most is gained by the second and third pass; a model trained at one depth only would rise again after it.',
    question: {},
  },
  {
    place: 'attention',
    title: 'Where it looks',
    text: 'Every head takes something from earlier characters. Move the cycle: the same head asks something else once it knows more.',
    question: {},
  },
  {
    place: 'train',
    title: 'Now teach one',
    text: 'Train a new model from nothing, here in the tab. While it learns, the grid above reads a fixed text, and one sees refinement being learned: at first every row is the same.',
    question: {},
  },
];
