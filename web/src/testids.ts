// Names that end-to-end tests hold on to.

export const TESTIDS = {
  device: 'device',
  step: 'step',
  loss: 'loss',
  validation: 'validation',
  speed: 'speed',
  chance: 'chance',
  answerA: 'answer-a',
  answerB: 'answer-b',
  notice: 'notice',
  refinement: 'refinement',
  kept: 'kept',
  estimate: 'estimate',
  gallery: 'gallery',
  changes: 'changes',
  past: 'past',
  duel: 'duel',
  standing: 'standing',
  verdict: 'verdict',
} as const;
