// The tour of the images page.

import type { Stop } from '../../ui/tour';
import type { Look } from './url';

export interface ImageStop extends Stop {
  readonly look: Partial<Look>;
  /** Whether the outer steps are played. */
  readonly play?: true;
  /** Whether accuracy is measured. */
  readonly measure?: true;
  /** Whether a new model is trained here. */
  readonly train?: true;
}

export const TOUR: readonly ImageStop[] = [
  {
    place: 'classify-input',
    title: 'Draw a digit',
    text: 'The drawing is reduced to the size of the training images. Or take one of the test images below, which were not used for training.',
    look: { inner: null, outer: null },
  },
  {
    place: 'classify-answer',
    title: 'One outer step after another',
    text: 'After each outer step the answer can be read. The bars show how probable each class is; a corner marks a step that changed the guess.',
    look: { inner: null, outer: null },
    play: true,
  },
  {
    place: 'classify-options',
    title: 'Where it changes',
    text: 'The image is cut into square patches. The colour shows which patch’s state changed most in this step.',
    look: { overlay: 'moved' },
  },
  {
    place: 'classify-answer',
    title: 'More steps than it was trained with',
    text: 'Now it runs eight outer steps, more than it was trained with: watch whether the answer stays the same. “As trained” restores the trained number.',
    look: { outer: 8, overlay: 'none' },
    play: true,
  },
  {
    place: 'accuracy',
    title: 'Accuracy by outer step',
    text: 'Measured in this tab, on test images. Click a number in the confusion matrix to see the misclassified images.',
    look: { inner: null, outer: null },
    measure: true,
  },
  {
    place: 'train',
    title: 'Train a classifier',
    text: 'A new model is being trained on the digits from scratch now; the bar below pauses it. Most are recognised within ten seconds. The model from before is in the Library.',
    look: {},
    train: true,
  },
];
