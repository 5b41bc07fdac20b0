// What is said of a puzzle and of an answer to it.

import type { Posed } from '../../gen';
import { isOpen } from './board';
import { gradeOf, gradesOf, type Kind } from './kinds';
import { changesAt, type PuzzleAnswer } from './solving';

const many = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;

/** What the rules say of a puzzle. */
export function about(kind: Kind, posed: Posed): string {
  const { solutions, guesses, tokens, broken } = posed;
  const bare = kind.family === 'sudoku' && tokens.every((token) => isOpen(kind, token));
  if (bare) return 'The board is empty: any complete board that breaks no rule is an answer.';
  switch (solutions) {
    case 'none':
      return kind.family === 'maze'
        ? 'This maze is impossible: no path leads from the start to the goal.'
        : broken.length > 0
          ? 'This puzzle is impossible: what is given breaks the rules already.'
          : 'This puzzle is impossible: no complete board agrees with what is given.';
    case 'several':
      return 'This puzzle has several solutions; any of them counts as right.';
    case 'unknown':
      return 'Whether this puzzle has one solution is too hard to find out here.';
    case 'one':
      return oneSolution(kind, guesses);
    default:
      return solutions satisfies never;
  }
}

function oneSolution(kind: Kind, guesses: number | null): string {
  if (kind.family === 'maze') return 'Any shortest path from start to goal counts as right.';
  const grade = guesses === null || gradesOf(kind).length < 2 ? null : gradeOf(guesses);
  if (guesses === null || !grade) return 'It has one solution.';
  const hard = guesses === 0 ? 'no guess' : many(guesses, 'guess').replace(/guesss$/, 'guesses');
  return `It has one solution; a plain solver needs ${hard} (${grade.name.toLowerCase()}).`;
}

/** What is to be said of the answer after a step. */
export function result(examined: PuzzleAnswer, step: number): string {
  const solved = examined.verdicts[step - 1]?.solved ?? false;
  const changed = step > 1 ? `, ${many(changesAt(examined, step), 'cell')} changed` : '';
  return `Step ${step}: ${solved ? 'solved' : 'not solved yet'}${changed}.`;
}

/** What a threshold comes to: where it stops, what that saves, and whether it is right there. */
export function stopping(examined: PuzzleAnswer, stop: number, sure: boolean): string {
  const steps = examined.trace.steps.length;
  const right = examined.verdicts[stop - 1]?.solved ?? false;
  const answer = right ? 'where it is solved' : 'where it is not solved';
  if (!sure) return `It is never that sure: all ${many(steps, 'step')} are run, ${answer}.`;
  return `It would stop after step ${stop} of ${steps} and save ${many(steps - stop, 'step')}, ${answer}.`;
}
