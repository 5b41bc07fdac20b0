// How a run goes on: after its last step, and after it was loaded from a file.

import type { RunConfig, RunSummary } from '../gen';

/** Settings with which a run continues after its last step. */
export interface Further {
  readonly max_iters: number;
  readonly learning_rate: number;
}

/**
 * `more` steps, at the learning rate that the run ended with: a schedule that
 * rose again would undo what was learned.
 */
export function further({ train }: RunConfig, step: number, more: number): Further {
  const { learning_rate, min_lr, lr_schedule } = train;
  const ended = lr_schedule === 'cosine' && min_lr > 0 ? min_lr : learning_rate;
  return { max_iters: step + more, learning_rate: Math.min(ended, learning_rate) };
}

/** The hint after a checkpoint was loaded. */
export function loadedHint(
  summary: RunSummary,
  untrainable: (summary: RunSummary) => string,
): string {
  if (!summary.trainable) return untrainable(summary);
  return summary.step >= summary.config.train.max_iters
    ? 'Training is finished (max_iters reached); “Continue training” adds steps.'
    : 'Training continues from here with a new optimizer state.';
}
