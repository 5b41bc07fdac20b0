// The tour of the puzzles page.

import type { Stop } from '../../ui/tour';

export interface PuzzleStop extends Stop {
  /** The supervision step that is shown; `play` shows one after another. */
  readonly step?: number | 'play';
  /** Whether a new model is trained here. */
  readonly train?: true;
}

export const TOUR: readonly PuzzleStop[] = [
  {
    place: 'solve',
    title: 'One supervision step',
    text: 'In its first step the network fills in every empty cell at once. Many cells are wrong; those that it is surer of are stronger in colour.',
    step: 1,
  },
  {
    place: 'solve',
    title: 'The same network again',
    text: 'Each further step runs the same weights on the board and on the state of the step before. A corner marks the cells that it changed.',
    step: 'play',
  },
  {
    place: 'halting',
    title: 'Early stopping',
    text: 'A second output estimates whether the board is solved. It may stop at the first step above the threshold; a lower threshold saves steps and risks mistakes.',
  },
  {
    place: 'cell',
    title: 'One cell',
    text: 'The most probable values of a cell, and by how much this step changed them. Choose another cell on the board, and move through the steps with the slider above.',
    step: 2,
  },
  {
    place: 'train',
    title: 'Train a solver',
    text: 'A small new model is being trained on 4×4 Sudokus from scratch now; the bar below pauses it. It stops when it solves nearly all held-out puzzles, after about two minutes. The solver from before is in the Library.',
    train: true,
  },
];
