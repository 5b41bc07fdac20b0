// The state of a run as a pure function of its events.

import type {
  DepthLoss,
  ImageScores,
  PuzzleScores,
  RunConfig,
  RunSummary,
  Solved,
  StepReport,
} from '../gen';
import { differing, show, valueOf } from './settings';
import { lengthOf } from '../gen';

export interface Point {
  readonly step: number;
  readonly loss: number;
}

export interface Validation {
  readonly step: number;
  readonly depths: readonly DepthLoss[];
}

/** A setting that was changed during the run. */
export interface Change {
  readonly step: number;
  readonly key: string;
  readonly from: string;
  readonly to: string;
}

/** The part of a run that is kept with a save, so that the chart goes on too. */
export interface History {
  readonly training: readonly Point[];
  readonly validation: readonly Validation[];
  /** Milliseconds spent training. */
  readonly elapsed: number;
  /** Absent in runs that were kept before changes were noted. */
  readonly changes?: readonly Change[];
  /** How held-out puzzles are answered, where that is what a run is for. */
  readonly judged?: readonly Judged[];
  /** How held-out images are classified. */
  readonly scored?: readonly Scored[];
}

/** How held-out puzzles are answered at a step of training. */
export interface Judged {
  readonly step: number;
  readonly scores: PuzzleScores;
}

/** How held-out images are classified at a step of training. */
export interface Scored extends Pick<ImageScores, 'images' | 'steps'> {
  readonly step: number;
}

export interface RunState extends History {
  readonly changes: readonly Change[];
  readonly judged: readonly Judged[];
  readonly scored: readonly Scored[];
  /** How the puzzles were answered that were done last while training. */
  readonly solved: Solved | null;
  readonly summary: RunSummary | null;
  readonly step: number;
  readonly learningRate: number | null;
  readonly msPerStep: number | null;
}

export type RunEvent =
  | { readonly type: 'began'; readonly summary: RunSummary; readonly history: History | null }
  | { readonly type: 'changed'; readonly summary: RunSummary }
  | { readonly type: 'stepped'; readonly reports: readonly StepReport[]; readonly ms: number }
  | { readonly type: 'validated'; readonly validation: Validation }
  | { readonly type: 'judged'; readonly judged: Judged }
  | { readonly type: 'scored'; readonly scored: Scored };

export type Phase = 'opening' | 'paused' | 'training' | 'done' | 'broken';

/** What happened, and what to do. */
export interface Notice {
  readonly tone: 'bad' | 'good' | 'note';
  readonly message: string;
  readonly hint: string;
  /** Where to go instead. */
  readonly link?: { readonly href: string; readonly words: string };
}

export const NO_HISTORY: History = { training: [], validation: [], elapsed: 0 };

export const NO_RUN: RunState = {
  ...NO_HISTORY,
  changes: [],
  judged: [],
  scored: [],
  solved: null,
  summary: null,
  step: 0,
  learningRate: null,
  msPerStep: null,
};

/** Points above which neighbours are averaged, so that a long run stays light. */
const MOST_POINTS = 2000;
/** Changes beyond this many push out the oldest. */
const MOST_CHANGES = 200;
/** Validations above which every second one is forgotten. */
const MOST_VALIDATIONS = 400;

export function reduce(state: RunState, event: RunEvent): RunState {
  switch (event.type) {
    case 'began': {
      const { summary } = event;
      const { changes = [], judged = [], scored = [], ...history } = event.history ?? NO_HISTORY;
      return { ...NO_RUN, ...history, changes, judged, scored, summary, step: summary.step };
    }
    case 'changed': {
      const { summary } = event;
      const changes = state.summary
        ? noted(state.changes, state.step, state.summary.config, summary.config)
        : state.changes;
      return { ...state, summary, changes };
    }
    case 'stepped': {
      const last = event.reports.at(-1);
      if (!last) return state;
      const each = event.ms / event.reports.length;
      return {
        ...state,
        step: last.step,
        learningRate: last.learning_rate,
        elapsed: state.elapsed + event.ms,
        // Smoothed, so that the number can be read.
        msPerStep: state.msPerStep === null ? each : 0.8 * state.msPerStep + 0.2 * each,
        solved: event.reports.findLast((report) => report.solved)?.solved ?? state.solved,
        training: thin([...state.training, ...event.reports.map(point)]),
      };
    }
    case 'validated':
      return { ...state, validation: sparse([...state.validation, event.validation]) };
    case 'judged':
      return { ...state, judged: sparse([...state.judged, event.judged]) };
    case 'scored':
      return { ...state, scored: sparse([...state.scored, event.scored]) };
    default:
      return event satisfies never;
  }
}

/** The changes with what differs now; moved back and forth at one step is one change, or none. */
function noted(
  before: readonly Change[],
  step: number,
  was: RunConfig,
  is: RunConfig,
): readonly Change[] {
  let changes = [...before];
  for (const setting of differing(was, is)) {
    const { key } = setting;
    const same = changes.find((change) => change.step === step && change.key === key);
    const from = same?.from ?? show(valueOf(was, setting));
    const to = show(valueOf(is, setting));
    changes = changes.filter((change) => change !== same);
    if (from !== to) changes.push({ step, key, from, to });
  }
  return changes.slice(-MOST_CHANGES);
}

function point(report: StepReport): Point {
  return { step: report.step, loss: report.loss };
}

/** Halves a list that has grown too long by averaging pairs. */
export function thin<P extends Point>(points: readonly P[]): readonly P[] {
  if (points.length <= MOST_POINTS) return points;
  const halved: P[] = [];
  for (let i = 0; i + 1 < points.length; i += 2) {
    const [a, b] = [points[i], points[i + 1]];
    if (a && b) halved.push({ ...b, loss: (a.loss + b.loss) / 2 });
  }
  const last = points.at(-1);
  // The latest point has no partner in a list of odd length, and is still shown.
  if (last && points.length % 2 === 1) halved.push(last);
  return halved;
}

/** Halves a list that has grown too long; losses of different depths have no average, so pairs are not merged. */
export function sparse<V>(validation: readonly V[]): readonly V[] {
  if (validation.length <= MOST_VALIDATIONS) return validation;
  // Counted from the latest, which is still shown.
  return validation.filter((_, i) => (validation.length - 1 - i) % 2 === 0);
}

/** Depths worth comparing: shallow, deep, and the one that is `trained`. */
export function telling(trained: number): number[] {
  return [...new Set([1, 2, 4, trained])].sort((a, b) => a - b);
}

/** Seconds until the last step, if the speed is known. */
export function timeLeft(state: RunState): number | null {
  const total = state.summary?.config.train.max_iters;
  if (total === undefined || state.msPerStep === null) return null;
  return (Math.max(0, total - state.step) * state.msPerStep) / 1000;
}

/** Rows of a batch that are stepped through each second: of a solver, puzzles × steps. */
export function rowsPerSecond(state: RunState): number | null {
  if (!state.summary || state.msPerStep === null) return null;
  const { tokens_per_step, config } = state.summary;
  return (1000 * tokens_per_step) / lengthOf(config.model) / state.msPerStep;
}

/** Tokens the model trains on each second. */
export function tokensPerSecond(state: RunState): number | null {
  if (!state.summary || state.msPerStep === null) return null;
  return (1000 * state.summary.tokens_per_step) / state.msPerStep;
}
