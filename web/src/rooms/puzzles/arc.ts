// ARC-AGI tasks and answers: comparing them and describing them. Parsing tasks and
// counting votes is done by the engine.

import { type ArcAnswers, type ArcPrediction, type ArcTask, PUZZLE_KINDS } from '../../gen';
import type { ArcCandidate, KnownTask, Vocab } from '../../gen';

/** Colours from 0 to 9, row by row; no rows means no grid. */
export type Grid = readonly (readonly number[])[];

/** Answers to one test that ARC allows. */
export const ATTEMPTS = PUZZLE_KINDS.arc.attempts;

const COLOURS = [
  ...['black', 'blue', 'red', 'green', 'yellow'],
  ...['grey', 'magenta', 'orange', 'light blue', 'maroon'],
];

export const colourOf = (colour: number): string => COLOURS[colour] ?? 'unknown';

export const colsOf = (grid: Grid): number => grid[0]?.length ?? 0;

/** A grid in words, number by number. */
export function describe(grid: Grid): string {
  if (grid.length === 0) return 'no grid';
  const rows = grid.map((row, i) => `row ${i + 1}: ${row.join(' ')}`);
  return `${grid.length} × ${colsOf(grid)} grid; ${rows.join('; ')}`;
}

/** One cell in words. */
export function cellWords(grid: Grid, row: number, col: number): string {
  const colour = grid[row]?.[col];
  if (colour === undefined) return '';
  return `Row ${row + 1}, column ${col + 1}: ${colour}, ${colourOf(colour)}`;
}

export function alike(a: Grid, b: Grid): boolean {
  return (
    a.length === b.length &&
    a.every((row, i) => row.length === b[i]?.length && row.every((cell, j) => cell === b[i]?.[j]))
  );
}

/** Whether a cell was another one, or none, in the grid before; `null` is no grid to compare with. */
export function isChanged(before: Grid | null, grid: Grid, row: number, col: number): boolean {
  return before !== null && before[row]?.[col] !== grid[row]?.[col];
}

export function changesIn(before: Grid | null, grid: Grid): number {
  const cells = grid.flatMap((row, i) => row.map((_, j) => isChanged(before, grid, i, j)));
  return cells.filter(Boolean).length;
}

/** The vote of each augmented copy: its answer after the last step. */
export function predictionsOf(answers: readonly ArcAnswers[]): ArcPrediction[] {
  return answers.map(({ answers, halt }) => ({
    answer: answers.at(-1) ?? [],
    halt: halt.at(-1) ?? 0,
  }));
}

export type Verdict = 'right' | 'wrong' | 'unknown';

/** Whether an answer is right, if the right one is known. */
export function verdictOf(answer: Grid, truth: Grid | null): Verdict {
  if (!truth) return 'unknown';
  return alike(answer, truth) ? 'right' : 'wrong';
}

/** The answers that count: ARC allows two attempts. */
export function attemptsOf(candidates: readonly ArcCandidate[]): readonly ArcCandidate[] {
  return candidates.slice(0, ATTEMPTS);
}

/** The result of the two attempts. */
export function resultOf(candidates: readonly ArcCandidate[], truth: Grid | null): string {
  if (!truth)
    return 'The file does not contain the correct output, so the answers cannot be checked.';
  const place = attemptsOf(candidates).findIndex(({ answer }) => alike(answer, truth));
  if (place < 0) return 'Not solved: neither attempt is right.';
  return `Solved: the ${place === 0 ? 'first' : 'second'} attempt is right.`;
}

/** The tasks that a model has embeddings for; none for models of other puzzles. */
export function knownTo(vocab: Vocab | undefined): readonly KnownTask[] {
  return vocab?.kind === 'arc' ? vocab.tasks : [];
}

/** Whether a model has embeddings for all of these tasks. */
export function knowsAll(vocab: Vocab | undefined, tasks: readonly ArcTask[]): boolean {
  const known = new Set(knownTo(vocab).map(({ name }) => name));
  return tasks.every(({ name }) => known.has(name));
}

/** Names beyond this many are counted. */
const MOST_NAMES = 8;

/** The tasks that a model was trained on, in words. */
export function knowledge(tasks: readonly KnownTask[]): string {
  const names = tasks.slice(0, MOST_NAMES).map(({ name }) => name);
  const more = tasks.length - names.length;
  const all = more > 0 ? `${names.join(', ')} and ${more} more` : names.join(', ');
  return tasks.length === 1 ? `one task: ${all}` : `${tasks.length} tasks: ${all}`;
}

/** Tasks with different names: they are chosen, kept and learned by name. */
export function distinct(tasks: readonly ArcTask[]): ArcTask[] {
  const names = new Set<string>();
  return tasks.map((task) => {
    let { name } = task;
    for (let i = 2; names.has(name); i += 1) name = `${task.name} (${i})`;
    names.add(name);
    return { ...task, name };
  });
}

/** Tasks as a file of their own, each under its name. */
export function tasksText(tasks: readonly ArcTask[]): string {
  return JSON.stringify(
    Object.fromEntries(tasks.map(({ name, train, test }) => [name, { train, test }])),
  );
}

/** A file's name without its extension: the name of its task, if it holds only one. */
export function stemOf(file: string): string {
  return file.replace(/\.json$/i, '') || 'task';
}
