// The kinds of puzzle by name: sizes, titles, grades.

import type { RunSummary } from '../../gen';
import { lengthOf } from '../../gen';

interface Sized {
  /** The name that the engine uses. */
  readonly name: string;
  readonly title: string;
  readonly side: number;
}

export interface SudokuKind extends Sized {
  readonly family: 'sudoku';
  readonly box: { readonly rows: number; readonly cols: number };
}

export interface MazeKind extends Sized {
  readonly family: 'maze';
}

export type Kind = SudokuKind | MazeKind;

/** Tasks that come as JSON: no board of one size, but grids of any. */
export interface ArcKind {
  readonly family: 'arc';
  readonly name: string;
  readonly title: string;
}

export const ARC: ArcKind = { family: 'arc', name: 'arc', title: 'ARC tasks' };

/** The kinds that the puzzles page shows. */
export type Subject = Kind | ArcKind;

export function subjectOf(name: string): Subject | null {
  return name === ARC.name ? ARC : kindOf(name);
}

const BOXES: Readonly<Record<number, SudokuKind['box']>> = {
  4: { rows: 2, cols: 2 },
  6: { rows: 2, cols: 3 },
  9: { rows: 3, cols: 3 },
};

const LARGEST_MAZE = 64;
/** Walls, floor, start, goal and path, and the padding. */
const MAZE_TOKENS = 6;

/** The kind of a name; `null` for an unknown name. */
export function kindOf(name: string): Kind | null {
  const found = /^(sudoku|maze)-(\d+)x\2$/.exec(name);
  const side = Number(found?.[2]);
  if (!found) return null;
  if (found[1] === 'maze') {
    const known = side >= 2 && side <= LARGEST_MAZE;
    return known ? { family: 'maze', name, title: `Maze ${side}×${side}`, side } : null;
  }
  const box = BOXES[side];
  return box ? { family: 'sudoku', name, title: `Sudoku ${side}×${side}`, side, box } : null;
}

/** The kind that a model solves, from its dataset name or its sizes. */
export function kindFor({ config, vocab }: Pick<RunSummary, 'config' | 'vocab'>): Kind | null {
  const { data, model } = config;
  const side = Math.sqrt(lengthOf(model));
  const tokens = vocab.kind === 'plain' ? vocab.size : 0;
  const fits = (kind: Kind | null) =>
    kind?.side === side && tokens === (kind.family === 'sudoku' ? side + 2 : MAZE_TOKENS);
  const names = [data.dataset, `sudoku-${side}x${side}`, `maze-${side}x${side}`];
  return names.map(kindOf).find(fits) ?? null;
}

/** Kinds that are offered, the one that is tried first in front. */
export const OFFERED: readonly string[] = ['sudoku-9x9', 'sudoku-4x4', 'maze-10x10', ARC.name];

/** The difficulty of a Sudoku: guesses that a backtracking solver needs. */
export interface Grade {
  readonly name: string;
  readonly least: number;
  readonly most: number;
}

export const EASY: Grade = { name: 'Easy', least: 0, most: 0 };

export const GRADES: readonly Grade[] = [
  EASY,
  { name: 'Medium', least: 1, most: 5 },
  { name: 'Hard', least: 6, most: 15 },
  { name: 'Harder', least: 16, most: 40 },
  { name: 'Hardest', least: 41, most: 1 << 20 },
];

/** The grades in which there are puzzles of a kind; mazes have none. */
export function gradesOf(kind: Kind): readonly Grade[] {
  if (kind.family === 'maze') return [];
  return kind.side === 9 ? GRADES : [EASY];
}

export function gradeOf(guesses: number): Grade | null {
  return GRADES.find(({ least, most }) => guesses >= least && guesses <= most) ?? null;
}
