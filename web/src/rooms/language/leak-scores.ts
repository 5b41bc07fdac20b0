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

export function advanced(lesson: LeakRun, step: number, ms: number): LeakRun {
  return { ...lesson, step, elapsed: lesson.elapsed + ms };
}

/** Adds a score; fails for a model without the leak. */
export function scored(lesson: LeakRun, { loss, leaking_loss }: DepthLoss): LeakRun {
  if (leaking_loss === undefined) throw new Error('the model was not scored with the leak');
  const score = { step: lesson.step, leaking: leaking_loss, honest: loss };
  return { ...lesson, scores: [...lesson.scores, score] };
}

export function totalOf({ summary }: LeakRun): number {
  return summary.config.train.max_iters;
}

/** The step at which it is scored next; the last one is always scored. */
export function nextScore(lesson: LeakRun): number {
  const next = (Math.floor(lesson.step / SCORED_EVERY) + 1) * SCORED_EVERY;
  return Math.min(totalOf(lesson), next);
}

export function progress(lesson: LeakRun): string {
  const [step, total] = [lesson.step, totalOf(lesson)].map((n) => n.toLocaleString('en-US'));
  return `step ${step} of ${total}`;
}

/** How long the rest takes at this pace; `null` where there is none, or no pace yet. */
export function timeLeft(lesson: LeakRun): string | null {
  const { step, elapsed, summary } = lesson;
  const made = step - summary.step;
  const rest = totalOf(lesson) - step;
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
export function told(phase: LeakPhase, lesson: LeakRun | null): string {
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
      return lesson ? verdict(lesson) : '';
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
