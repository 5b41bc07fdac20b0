// Names that end-to-end tests hold on to.

export const TESTIDS = {
  device: 'device',
  step: 'step',
  loss: 'loss',
  validation: 'validation',
  speed: 'speed',
  chance: 'chance',
  watched: 'watched',
  detail: 'detail',
  curve: 'curve',
  attention: 'attention',
  notice: 'notice',
  refinement: 'refinement',
  kept: 'kept',
  slot: 'slot',
  estimate: 'estimate',
  gallery: 'gallery',
  changes: 'changes',
  past: 'past',
  duel: 'duel',
  standing: 'standing',
  verdict: 'verdict',
  board: 'board',
  puzzle: 'puzzle',
  answer: 'answer',
  steps: 'steps',
  halting: 'halting',
  cell: 'cell',
  accuracy: 'accuracy',
  task: 'task',
  guise: 'guise',
  attempts: 'attempts',
  knowledge: 'knowledge',
} as const;

/** One of the texts that are compared, from 0. */
export const answerId = (index: number): string => `answer-${index + 1}`;
