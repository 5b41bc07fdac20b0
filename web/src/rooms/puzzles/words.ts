// Sentences about a puzzle and about an answer to it.

import type { PuzzleInfo } from '../../gen';
import { many } from '../../run/format';
import { isOpen } from './board';
import { gradeOf, gradesOf, type Kind } from './kinds';
import { changesAt, type PuzzleAnswer } from './solving';

/** Whether a puzzle is valid, and how hard it is. */
export function about(kind: Kind, posed: PuzzleInfo): string {
  const { solutions, guesses, tokens, broken } = posed;
  const bare = kind.family === 'sudoku' && tokens.every((token) => isOpen(kind, token));
  if (bare) return 'The board is empty: any complete board that breaks no rule is a solution.';
  switch (solutions) {
    case 'none':
      return kind.family === 'maze'
        ? 'This maze is impossible: no path leads from start to goal.'
        : broken.length > 0
          ? 'This puzzle is impossible: the given digits already break a rule.'
          : 'This puzzle is impossible: no valid board has the given digits.';
    case 'several':
      return 'This puzzle has several solutions; each of them counts as solved.';
    case 'unknown':
      return 'The number of solutions is unknown: the search was stopped because it takes too long.';
    case 'one':
      return oneSolution(kind, guesses);
    default:
      return solutions satisfies never;
  }
}

function oneSolution(kind: Kind, guesses: number | null): string {
  if (kind.family === 'maze') return 'Any shortest path from start to goal counts as solved.';
  const grade = guesses === null || gradesOf(kind).length < 2 ? null : gradeOf(guesses);
  if (guesses === null || !grade) return 'This puzzle has one solution.';
  const hard =
    guesses === 0
      ? 'a logic-only solver needs no guesses'
      : `besides logic, a solver needs ${many(guesses, 'guess', 'guesses')}`;
  return `This puzzle has one solution; ${hard} (${grade.name.toLowerCase()}).`;
}

/** Whether the answer after a supervision step is right, and how much the step changed. */
export function result(examined: PuzzleAnswer, step: number): string {
  const solved = examined.checks[step - 1]?.solved ?? false;
  const changed = step > 1 ? `, ${many(changesAt(examined, step), 'cell')} changed` : '';
  return `Supervision step ${step}: ${solved ? 'solved' : 'not solved'}${changed}.`;
}

/** Which of several copies is chosen, and how many solve the puzzle. */
export function copiesResult(
  ends: readonly { halt: number; solved: boolean }[],
  chosen: number,
  calls: number,
): string {
  const end = ends[chosen];
  if (!end) return '';
  const copy = chosen === 0 ? 'The original puzzle' : `Copy ${chosen + 1}`;
  const right = ends.filter(({ solved }) => solved).length;
  return (
    `${copy} is chosen: its halting probability is the highest, ${Math.round(100 * end.halt)} %; ` +
    `its answer is ${end.solved ? 'right' : 'wrong'}. ` +
    `${right} of ${ends.length} copies are solved, in ${many(calls, 'supervision step')}.`
  );
}

/** The step at which a threshold stops, the steps saved, and whether the board is solved then. */
export function stopping(examined: PuzzleAnswer, stop: number, sure: boolean): string {
  const steps = examined.trace.steps.length;
  const right = examined.checks[stop - 1]?.solved ?? false;
  const board = `the board is ${right ? 'solved' : 'not solved'} then`;
  if (!sure) {
    const run = steps === 1 ? 'its only step runs' : `all ${steps} steps run`;
    return `Confidence never reaches the threshold; ${run}; ${board}.`;
  }
  return `It would stop after step ${stop} (${steps - stop} saved); ${board}.`;
}
