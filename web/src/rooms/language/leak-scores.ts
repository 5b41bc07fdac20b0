// The data leak demonstration: one model that trains with the leak, scored with and
// without it.

import type { DepthLoss, RunConfig, RunSummary } from '../../gen';
import { preset } from '../../run/presets';
import { count, duration } from '../../run/format';

/** Steps between two scores. */
export const SCORED_EVERY = 20;

export type LeakPhase = 'ready' | 'opening' | 'training' | 'stopped' | 'done' | 'failed';

/** Losses of the same weights with and without the leak, in nats per character. */
export interface Score {
  readonly step: number;
  readonly leaking: number;
  readonly honest: number;
}

export interface LeakRun {
  readonly summary: RunSummary;
  readonly step: number;
  /** Milliseconds of training and scoring since the first score. */
  readonly elapsed: number;
  readonly scores: readonly Score[];
}

/** A model whose draft is initialised with the correct answer. */
export function leakConfig(): RunConfig {
  const config = preset('page-leak');
  if (!config) throw new Error('the page was built without the preset page-leak');
  return config;
}

export function opened(summary: RunSummary): LeakRun {
  return { summary, step: summary.step, elapsed: 0, scores: [] };
}

export function advanced(run: LeakRun, step: number, ms: number): LeakRun {
  return { ...run, step, elapsed: run.elapsed + ms };
}

/** Adds a score; fails for a model without the leak. */
export function scored(run: LeakRun, { loss, leaking_loss }: DepthLoss): LeakRun {
  if (leaking_loss === undefined) throw new Error('the model was not scored with the leak');
  const score = { step: run.step, leaking: leaking_loss, honest: loss };
  return { ...run, scores: [...run.scores, score] };
}

export function totalOf({ summary }: LeakRun): number {
  return summary.config.train.max_iters;
}

/** The step at which it is scored next; the last one is always scored. */
export function nextScore(run: LeakRun): number {
  const next = (Math.floor(run.step / SCORED_EVERY) + 1) * SCORED_EVERY;
  return Math.min(totalOf(run), next);
}

export function progress(run: LeakRun): string {
  const [step, total] = [run.step, totalOf(run)].map((n) => n.toLocaleString('en-US'));
  return `step ${step} of ${total}`;
}

/** How long the rest takes at this pace; `null` where there is none, or no pace yet. */
export function timeLeft(run: LeakRun): string | null {
  const { step, elapsed, summary } = run;
  const made = step - summary.step;
  const rest = totalOf(run) - step;
  return made > 0 && rest > 0 ? `${duration((rest * elapsed) / made / 1000)} left` : null;
}

/** The perplexity of a loss, with its significant digits. */
export function perplexity(loss: number): string {
  const value = Math.exp(loss);
  if (value >= 1e4) return count(value);
  return value < 100
    ? value.toFixed(value < 10 ? 2 : 1)
    : Math.round(value).toLocaleString('en-US');
}

/** The status line; short during training, because screen readers announce it. */
export function told(phase: LeakPhase, run: LeakRun | null): string {
  switch (phase) {
    case 'ready':
    case 'failed':
      return '';
    case 'opening':
      return 'Loading …';
    case 'training':
      return `Training; both scores are measured every ${SCORED_EVERY} steps.`;
    case 'stopped':
    case 'done':
      return run ? verdict(run) : '';
    default:
      return phase satisfies never;
  }
}

function verdict({ scores, summary }: LeakRun): string {
  const last = scores.at(-1);
  if (!last) return '';
  const { leaking, honest, step } = last;
  const weights =
    step === 0 ? 'Before training, the model' : `After ${step} steps, the same weights`;
  return (
    `${weights} ${step === 0 ? 'has' : 'have'} a perplexity of ${perplexity(leaking)} with the leak ` +
    `and of ${perplexity(honest)} without it; uniform guessing has ${perplexity(summary.chance_loss)}.`
  );
}
