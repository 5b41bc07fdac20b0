// The tour of the language page: each stop sets the controls and explains what they show.

import type { Stop } from '../../ui/tour';
import type { PromptOptions } from './url';

/** Sections of the page, by element id. */
export type Place = 'think' | 'depths' | 'attention' | 'train' | 'models';

export interface LanguageStop extends Stop {
  readonly place: Place;
  readonly options: Partial<PromptOptions>;
  /** Whether the passes are played. */
  readonly play?: true;
  /** Whether a new model is trained here. */
  readonly train?: true;
}

export const TOUR: readonly LanguageStop[] = [
  {
    place: 'think',
    title: 'One pass',
    text: 'At depth 1 the network runs once and predicts the next character. The grid has one row: the guess after each character.',
    options: { depth: 1 },
  },
  {
    place: 'think',
    title: 'Two passes, same weights',
    text: 'At depth 2 the same weights run a second time, starting from the state that the first pass computed. A dot marks a guess that changed in this pass.',
    options: { depth: 2 },
  },
  {
    place: 'think',
    title: 'Eight passes',
    text: 'The passes run one after another. Colours get stronger as confidence grows, and the violet line falls: each pass changes the state less.',
    options: { depth: 8 },
    play: true,
  },
  {
    place: 'depths',
    title: 'Compare depths',
    text: 'The same prompt and random seed at four depths. With one pass the letters look plausible; with a few passes they form words and lines.',
    options: { depths: [1, 2, 4, 8] },
  },
  {
    place: 'depths',
    title: 'Loss by depth',
    text: 'Below the texts: the loss at every depth, measured here on validation text, which is not used for training. The second and third pass lower it most. A model trained at one depth only gets worse again at larger depths.',
    options: {},
  },
  {
    place: 'attention',
    title: 'Attention',
    text: 'Each head attends to earlier characters. Move the pass slider: the weights stay the same, but the state changes, and with it where the head attends.',
    options: {},
  },
  {
    place: 'train',
    title: 'Train a model',
    text: 'A small new model is training from scratch now; the bar below pauses it. The loss falls here, and under Explore its text and its grid change as it learns. The model from before is in the Library.',
    options: { depth: null },
    train: true,
  },
];
