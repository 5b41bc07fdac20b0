// An answer by supervision step: its cells, early stopping, and changes. All is derived
// from one event.

import type { Candidate, AnswerCheck, Trace } from '../../gen';
import { type Board, isOpen, PATH } from './board';
import type { Kind } from './kinds';

/** The answers to one puzzle after every supervision step. */
export interface PuzzleAnswer {
  readonly kind: Kind;
  readonly puzzle: Board;
  readonly trace: Trace;
  readonly checks: readonly AnswerCheck[];
  /** Training step of the weights. */
  readonly step: number;
}

/** One cell after one step. */
export interface Cell {
  readonly token: number;
  /** Whether the cell is given. */
  readonly given: boolean;
  /** Probability of the digit; in a maze, of the path. */
  readonly sure: number;
  /** Whether the previous step had another answer. */
  readonly changed: boolean;
  /** Whether a rule is broken here. */
  readonly broken: boolean;
  /** Whether the solution differs here; `undefined` without one. */
  readonly wrong: boolean;
}

/** Supervision steps that were run. */
export const stepsOf = ({ trace }: PuzzleAnswer): number => trace.steps.length;

/** The answer after a step, counted from 1. */
export function cellsAt(examined: PuzzleAnswer, step: number, solution: Board | null): Cell[] {
  const { kind, puzzle, trace, checks } = examined;
  const now = trace.steps[step - 1];
  const before = trace.steps[step - 2];
  const broken = new Set(checks[step - 1]?.broken.flatMap(({ cells }) => cells));
  return puzzle.map((asked, i) => {
    const given = !isOpen(kind, asked);
    const token = now?.argmax[0]?.[i] ?? asked;
    return {
      token: given ? asked : token,
      given,
      sure: kind.family === 'maze' ? likely(examined, step, i, PATH) : (now?.prob[0]?.[i] ?? 0),
      changed: !given && before !== undefined && before.argmax[0]?.[i] !== token,
      broken: broken.has(i),
      wrong: !given && solution !== null && solution[i] !== token,
    };
  });
}

/** The probability of a token, as far as it is listed. */
function likely({ trace }: PuzzleAnswer, step: number, at: number, token: number): number {
  const listed = trace.steps[step - 1]?.top?.[0]?.[at];
  return listed?.find((candidate) => candidate.token === token)?.prob ?? 0;
}

/** Cells whose answer changed in a step. */
export function changesAt(examined: PuzzleAnswer, step: number): number {
  return cellsAt(examined, step, null).filter((cell) => cell.changed).length;
}

/** The probability of halting after each step; empty where a model has no halting head. */
export function halts({ trace }: Pick<PuzzleAnswer, 'trace'>): number[] {
  return trace.steps.flatMap(({ halt }) => halt?.slice(0, 1) ?? []);
}

/** The step at which early stopping stops: the first above the threshold, or else the last. */
export function stopAt(halting: readonly number[], threshold: number): number {
  const first = halting.findIndex((prob) => prob > threshold);
  return first < 0 ? Math.max(1, halting.length) : first + 1;
}

/** The step at which an answer stops, its halting probability and whether it is right then. */
export function stopped(
  answer: PuzzleAnswer,
  threshold: number,
): { step: number; halt: number; solved: boolean } {
  const probs = halts(answer);
  const step = stopAt(probs, threshold);
  return { step, halt: probs[step - 1] ?? 0, solved: answer.checks[step - 1]?.solved ?? false };
}

/** Of the answers to several copies of a puzzle the one with the highest halting probability
 * where it stops, the first of equals; `null` without answers. */
export function chosenOf(answers: readonly PuzzleAnswer[], threshold: number): number | null {
  const probs = answers.map((answer) => stopped(answer, threshold).halt);
  return probs.length === 0 ? null : probs.indexOf(Math.max(...probs));
}

export interface Alternative extends Candidate {
  /** Since the step before; `null` where that did not list it. */
  readonly change: number | null;
}

/** The alternatives for a cell, most probable first. */
export function alternatives(
  examined: PuzzleAnswer,
  step: number,
  at: number,
  most: number,
): Alternative[] {
  const listed = (step: number) => examined.trace.steps[step - 1]?.top?.[0]?.[at] ?? [];
  const before = listed(step - 1);
  return listed(step)
    .slice(0, most)
    .map(({ token, prob }) => {
      const earlier = before.find((candidate) => candidate.token === token);
      return { token, prob, change: earlier ? prob - earlier.prob : null };
    });
}

/** Whether two boards are the same puzzle. */
export function alike(a: Board, b: Board): boolean {
  return a.length === b.length && a.every((token, i) => token === b[i]);
}
