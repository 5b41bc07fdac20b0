// The kinds of puzzle by name: sizes, titles, grades.

import { lengthOf, PUZZLE_KINDS, type RunSummary, SUDOKU_GRADES } from '../../gen';
import type { SudokuGrade } from '../../gen';

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

const { name, title } = PUZZLE_KINDS.arc;
export const ARC: ArcKind = { family: 'arc', name, title };

/** The kinds that the puzzles page shows. */
export type Subject = Kind | ArcKind;

export function subjectOf(name: string): Subject | null {
  return name === ARC.name ? ARC : kindOf(name);
}

/** The kind of a name; `null` for an unknown name. */
export function kindOf(name: string): Kind | null {
  const found = /^(sudoku|maze)-(\d+)x\2$/.exec(name);
  const side = Number(found?.[2]);
  if (!found) return null;
  if (found[1] === 'maze') {
    const { minSide, maxSide, title } = PUZZLE_KINDS.maze;
    const known = side >= minSide && side <= maxSide;
    return known ? { family: 'maze', name, title: `${title} ${side}×${side}`, side } : null;
  }
  const sudoku = PUZZLE_KINDS.sudoku.find((each) => each.name === name);
  if (!sudoku) return null;
  const box = { rows: sudoku.boxRows, cols: sudoku.boxCols };
  return { family: 'sudoku', name, title: sudoku.title, side, box };
}

/** The kind that a model solves, from its dataset name or its sizes. */
export function kindFor({ config, vocab }: Pick<RunSummary, 'config' | 'vocab'>): Kind | null {
  const { data, model } = config;
  const side = Math.sqrt(lengthOf(model));
  const tokens = vocab.kind === 'plain' ? vocab.size : 0;
  const fits = (kind: Kind | null) => kind?.side === side && tokens === vocabOf(kind);
  const names = [data.dataset, `sudoku-${side}x${side}`, `maze-${side}x${side}`];
  return names.map(kindOf).find(fits) ?? null;
}

function vocabOf({ name, family }: Kind): number | undefined {
  if (family === 'maze') return PUZZLE_KINDS.maze.vocab;
  return PUZZLE_KINDS.sudoku.find((each) => each.name === name)?.vocab;
}

/** Kinds that are offered, the one that is tried first in front. */
export const OFFERED: readonly string[] = ['sudoku-9x9', 'sudoku-4x4', 'maze-10x10', ARC.name];

/** 17 given digits, the fewest with one solution; the supplied model needs nine steps for it. */
export const SPARSE =
  '93...........17..85...2........8......7......3.....45...2.....1...4..3.....9.....';

/** The difficulty of a Sudoku: guesses that a backtracking solver needs. */
export type Grade = SudokuGrade;
export const GRADES = SUDOKU_GRADES;

export const EASY: Grade = SUDOKU_GRADES[0] ?? { name: 'Easy', minGuesses: 0, maxGuesses: 0 };

/** The grades in which there are puzzles of a kind; mazes have none. */
export function gradesOf({ name }: Kind): readonly Grade[] {
  return PUZZLE_KINDS.sudoku.find((each) => each.name === name)?.grades ?? [];
}

/** The grade to begin with: an easy Sudoku is solved in one step, and nothing is seen. */
export function firstGrade(kind: Kind): Grade {
  return gradesOf(kind).find(({ name }) => name === 'Hard') ?? EASY;
}

export function gradeOf(guesses: number): Grade | null {
  const fits = ({ minGuesses, maxGuesses }: Grade) =>
    guesses >= minGuesses && guesses <= maxGuesses;
  return GRADES.find(fits) ?? null;
}
