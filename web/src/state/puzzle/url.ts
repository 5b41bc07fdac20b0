// All that the puzzle room shows, in its address: the run, the puzzle and how it is
// looked at.

import { presetOfKind } from '../presets';
import {
  addressOf,
  readRun,
  readWish,
  RUN_KEYS,
  type RunAddress,
  type RunPage,
  unknown,
  type Wish,
  WISH_KEYS,
  writeRun,
  writeWish,
} from '../runaddress';
import { type Board, decode, encode } from './board';
import { type Kind, kindOf } from './kinds';

/** How a puzzle is put to a model, and looked at. */
export interface Look {
  /** Supervision steps; `null` means as many as the model was trained with. */
  steps: number | null;
  /** Probability of halting above which a puzzle counts as done. */
  threshold: number;
}

export interface PuzzleAddress extends RunAddress, Wish {
  /** The kind that is asked for; `null` leaves it to the page. */
  readonly kind: Kind | null;
  readonly puzzle: Board | null;
  readonly look: Look;
  /** Whether the address names the run itself, not only a kind. */
  readonly named: boolean;
  readonly handed: boolean;
  readonly problems: readonly string[];
}

export interface PuzzlePage extends RunPage, Wish {
  readonly kind: Kind;
  readonly puzzle: Board;
  readonly look: Look;
}

/** The preset where nothing else is asked for. */
export const STANDARD = 'sudoku-4x4';
export const MOST_STEPS = 32;
export const DEFAULT_LOOK: Look = { steps: null, threshold: 0.5 };

const KNOWN: ReadonlySet<string> = new Set([
  ...['kind', 'puzzle', 'steps', 'threshold', 'handed'],
  ...[...RUN_KEYS, ...WISH_KEYS],
]);

export function readPuzzle(search: string): PuzzleAddress {
  const query = new URLSearchParams(search);
  const problems: string[] = [];
  const asked = query.get('kind');
  let kind = asked === null ? null : kindOf(asked);
  if (asked !== null && !kind) problems.push(`There is no kind of puzzle “${asked}”.`);
  const standard = (kind && presetOfKind(kind.name)) ?? STANDARD;
  const run = readRun(query, standard, problems);
  const named = run.explicit;
  if (named && run.checkpoint === null) kind = kindOf(run.config.data.dataset) ?? kind;
  problems.push(...unknown(query, KNOWN));
  return {
    ...run,
    ...readWish(query),
    explicit: named || kind !== null,
    named,
    kind,
    puzzle: readBoard(query, kind, problems),
    look: readLook(query, problems),
    handed: query.get('handed') === '1',
    problems,
  };
}

function readBoard(query: URLSearchParams, kind: Kind | null, problems: string[]): Board | null {
  const text = query.get('puzzle');
  if (text === null) return null;
  const board = kind && decode(kind, text);
  if (!board)
    problems.push(`The puzzle in the address is no ${kind?.title ?? 'puzzle of a kind'}.`);
  return board;
}

function readLook(query: URLSearchParams, problems: string[]): Look {
  const look = { ...DEFAULT_LOOK };
  const number = (key: string, least: number, most: number): number | null => {
    const text = query.get(key);
    if (text === null) return null;
    const value = text.trim() === '' ? NaN : Number(text);
    if (value >= least && value <= most) return value;
    problems.push(`“${text}” cannot be the ${key}.`);
    return null;
  };
  const steps = number('steps', 1, MOST_STEPS);
  look.steps = steps === null ? null : Math.round(steps);
  look.threshold = number('threshold', 0, 1) ?? look.threshold;
  return look;
}

export function writePuzzle(page: PuzzlePage): string {
  const query = new URLSearchParams();
  const { kind, look, puzzle } = page;
  query.set('kind', kind.name);
  query.set('puzzle', encode(kind, puzzle));
  writeRun(query, page);
  if (look.steps !== null) query.set('steps', String(look.steps));
  if (look.threshold !== DEFAULT_LOOK.threshold) query.set('threshold', String(look.threshold));
  writeWish(query, page);
  return addressOf(query);
}
