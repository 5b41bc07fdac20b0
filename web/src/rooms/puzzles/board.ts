// A board: the token of each cell, row by row; keyboard input and the form in an address.

import { PUZZLE_KINDS } from '../../gen';
import type { Kind } from './kinds';

/** Tokens of a Sudoku: a digit is one more than itself. */
export const BLANK = PUZZLE_KINDS.sudokuBlank;

/** Tokens of a maze. */
export const { wall: WALL, floor: FLOOR, start: START, goal: GOAL, path: PATH } = PUZZLE_KINDS.maze;

export type Board = readonly number[];

export const cellsOf = ({ side }: Kind): number => side * side;

/** An empty board. */
export function empty(kind: Kind): number[] {
  return new Array<number>(cellsOf(kind)).fill(kind.family === 'sudoku' ? BLANK : FLOOR);
}

/** Whether a cell of the puzzle is open. */
export function isOpen(kind: Kind, token: number): boolean {
  return token === (kind.family === 'sudoku' ? BLANK : FLOOR);
}

/** The text in a cell. */
export function glyph(kind: Kind, token: number): string {
  if (kind.family === 'sudoku')
    return token > BLANK && token <= kind.side + 1 ? `${token - 1}` : '';
  return token === START ? 'S' : token === GOAL ? 'G' : '';
}

/** The mark of a cell that the model got wrong: the digit; in a maze, what to do with the path. */
export function correction(kind: Kind, token: number): string {
  return kind.family === 'sudoku' ? glyph(kind, token) : token === PATH ? '+' : '×';
}

const MAZE_WORDS = ['unknown', 'wall', 'floor', 'start', 'goal', 'path'];

/** The name of a token. */
export function word(kind: Kind, token: number): string {
  if (kind.family === 'maze') return MAZE_WORDS[token] ?? 'unknown';
  return glyph(kind, token) || 'empty';
}

/** The token of a key; `null` for other keys. */
export function typed(kind: Kind, key: string): number | null {
  if (kind.family === 'maze') {
    const keys: Record<string, number> = { '#': WALL, w: WALL, ' ': FLOOR, f: FLOOR };
    const more: Record<string, number> = { s: START, g: GOAL, Backspace: FLOOR, Delete: FLOOR };
    return { ...keys, ...more }[key.length === 1 ? key.toLowerCase() : key] ?? null;
  }
  if (['Backspace', 'Delete', '0', '.', ' '].includes(key)) return BLANK;
  const digit = /^[1-9]$/.test(key) ? Number(key) : NaN;
  return digit <= kind.side ? digit + 1 : null;
}

/** The board with a token put on it. There is one start and one goal, so that they move. */
export function put(kind: Kind, board: Board, at: number, token: number): number[] {
  const single = kind.family === 'maze' && (token === START || token === GOAL);
  return board.map((old, i) => (i === at ? token : single && old === token ? FLOOR : old));
}

const MOVES: Readonly<Record<string, readonly [number, number]>> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
};

/** Where a key moves the focus to from `at`; `null` where it moves nothing. */
export function moved({ side }: Kind, at: number, key: string): number | null {
  const [row, col] = [Math.floor(at / side), at % side];
  if (key === 'Home') return row * side;
  if (key === 'End') return row * side + side - 1;
  const by = MOVES[key];
  if (!by) return null;
  const within = (n: number) => Math.min(side - 1, Math.max(0, n));
  return within(row + by[0]) * side + within(col + by[1]);
}

/** The letters of tokens in an address, from token 1 on: none that has to be escaped. */
function letters(kind: Kind): string {
  return kind.family === 'sudoku' ? '.123456789'.slice(0, kind.side + 1) : 'x-SG';
}

export function encode(kind: Kind, board: Board): string {
  const known = letters(kind);
  return board.map((token) => known[token - 1] ?? known[0]).join('');
}

/** `null` if the text is not a board of this kind. */
export function decode(kind: Kind, text: string): number[] | null {
  if (text.length !== cellsOf(kind)) return null;
  const board = [...text].map((letter) => letters(kind).indexOf(letter) + 1);
  return board.includes(0) ? null : board;
}
