// The address of the puzzles page: run, puzzle, supervision steps, halting threshold.

import { unknown } from '../../run/keys';
import { presetOfKind } from '../../run/presets';
import { mostOf } from '../../run/settings';
import {
  addressOf,
  readRun,
  RUN_KEYS,
  type RunAddress,
  type RunPage,
  writeRun,
} from '../../run/url';
import { readWish, type Wish, WISH_KEYS, writeWish } from '../../run/wish';
import { type Board, decode, encode } from './board';
import { type ArcKind, type Kind, type Subject, subjectOf } from './kinds';

/** Supervision steps and halting threshold. */
export interface Look {
  /** Supervision steps; `null` means as many as the model was trained with. */
  steps: number | null;
  /** Probability of halting above which a puzzle counts as done. */
  threshold: number;
}

export interface PuzzleAddress extends RunAddress, Wish {
  /** The requested kind; `null` means the page's default. */
  readonly kind: Subject | null;
  readonly puzzle: Board | null;
  /** Name of an ARC task, and which of its tests from 0. */
  readonly task: string | null;
  readonly test: number;
  readonly look: Look;
  /** Whether the address names the run itself, not only a kind. */
  readonly named: boolean;
  readonly handed: boolean;
  readonly problems: readonly string[];
}

/** The puzzle on the board. */
export type AtHand =
  | { readonly kind: Kind; readonly puzzle: Board }
  | { readonly kind: ArcKind; readonly task: string | null; readonly test: number };

export type PuzzlePage = RunPage & Wish & AtHand & { readonly look: Look };

/** The default preset. */
export const STANDARD = 'sudoku-4x4';
/** As many as a model may be trained with. */
export const MOST_STEPS = mostOf('halt_max_steps');
const MOST_TESTS = 99;
export const DEFAULT_LOOK: Look = { steps: null, threshold: 0.5 };

const KNOWN: ReadonlySet<string> = new Set([
  ...['kind', 'puzzle', 'task', 'test', 'steps', 'threshold', 'handed'],
  ...[...RUN_KEYS, ...WISH_KEYS],
]);

export function readPuzzle(search: string): PuzzleAddress {
  const query = new URLSearchParams(search);
  const problems: string[] = [];
  const asked = query.get('kind');
  let kind = asked === null ? null : subjectOf(asked);
  if (asked !== null && !kind) problems.push(`There is no kind of puzzle “${asked}”.`);
  const standard = (kind && presetOfKind(kind.name)) ?? STANDARD;
  const run = readRun(query, standard, problems);
  const named = run.explicit;
  if (named && run.checkpoint === null) kind = subjectOf(run.config.data.dataset) ?? kind;
  problems.push(...unknown(query, KNOWN));
  return {
    ...run,
    ...readWish(query, problems),
    explicit: named || kind !== null,
    named,
    kind,
    puzzle: readBoard(query, kind, problems),
    task: query.get('task'),
    test: Math.round(readNumber(query, 'test', 1, MOST_TESTS, problems) ?? 1) - 1,
    look: readLook(query, problems),
    handed: query.get('handed') === '1',
    problems,
  };
}

function readBoard(query: URLSearchParams, kind: Subject | null, problems: string[]): Board | null {
  const text = query.get('puzzle');
  if (text === null) return null;
  const board = kind && kind.family !== 'arc' ? decode(kind, text) : null;
  if (!board) {
    problems.push(
      kind
        ? `The puzzle in the address does not fit “${kind.title}”.`
        : 'The puzzle in the address cannot be read.',
    );
  }
  return board;
}

function readLook(query: URLSearchParams, problems: string[]): Look {
  const look = { ...DEFAULT_LOOK };
  const steps = readNumber(query, 'steps', 1, MOST_STEPS, problems);
  look.steps = steps === null ? null : Math.round(steps);
  look.threshold = readNumber(query, 'threshold', 0, 1, problems) ?? look.threshold;
  return look;
}

function readNumber(
  query: URLSearchParams,
  key: string,
  least: number,
  most: number,
  problems: string[],
): number | null {
  const text = query.get(key);
  if (text === null) return null;
  const value = text.trim() === '' ? NaN : Number(text);
  if (value >= least && value <= most) return value;
  problems.push(`“${text}” is not a valid value for ${key}.`);
  return null;
}

export function writePuzzle(page: PuzzlePage): string {
  const query = new URLSearchParams();
  const { look } = page;
  query.set('kind', page.kind.name);
  if ('puzzle' in page) query.set('puzzle', encode(page.kind, page.puzzle));
  else {
    if (page.task !== null) query.set('task', page.task);
    if (page.test > 0) query.set('test', String(page.test + 1));
  }
  writeRun(query, page);
  if (look.steps !== null) query.set('steps', String(look.steps));
  if (look.threshold !== DEFAULT_LOOK.threshold) query.set('threshold', String(look.threshold));
  writeWish(query, page);
  return addressOf(query);
}
