// What the page shows of a question after each supervision step.

import type { AnswerStep, AnswerToken, Considered } from '../../gen';

/** A part of a step's bar. */
export interface Segment {
  /** What the answer begins with. */
  readonly text: string;
  /** From 0 to 1. */
  readonly prob: number;
  /** Number of the colour, from 0; `null` for all other answers together. */
  readonly colour: number | null;
}

/** Answers with a colour of their own. */
export const COLOURS = 6;

/** A token as it can be read: with its white space. */
export function visible({ text, ends }: Pick<AnswerToken, 'text' | 'ends'>): string {
  if (ends) return '(end)';
  const shown = text.replaceAll('\n', '↵').replaceAll('\t', '⇥');
  return shown.trim() === '' ? shown.replaceAll(' ', '␣') || '(nothing)' : shown.trim();
}

/** The candidates as they can be read; where two look alike, with their spaces. */
export function names({ candidates }: Pick<Considered, 'candidates'>): string[] {
  const shown = candidates.map(visible);
  return candidates.map((candidate, i) => {
    const name = shown[i] ?? '';
    const alone = shown.indexOf(name) === shown.lastIndexOf(name);
    return alone || candidate.ends ? name : candidate.text.replaceAll(' ', '␣');
  });
}

/** The probabilities of a step as parts of a bar, the rest at the end. */
export function segments(considered: Considered, { prob }: AnswerStep): Segment[] {
  const named = names(considered)
    .slice(0, COLOURS)
    .map((text, i) => ({ text, prob: prob[i] ?? 0, colour: i }));
  const rest = Math.max(0, 1 - named.reduce((sum, each) => sum + each.prob, 0));
  return [...named, { text: 'other answers', prob: rest, colour: null }];
}

/** The most probable answer of a step. */
export function best(considered: Considered, { prob }: AnswerStep): Segment | null {
  const at = prob.reduce((top, each, i) => (each > (prob[top] ?? -1) ? i : top), 0);
  const text = names(considered)[at];
  const colour = at < COLOURS ? at : null;
  return text === undefined ? null : { text, prob: prob[at] ?? 0, colour };
}

/** Halting probabilities as spots of a line, from the first step on. */
export function halts(steps: readonly AnswerStep[]): { x: number; y: number }[] {
  return steps.flatMap(({ step, halt }) => (halt === null ? [] : [{ x: step, y: halt }]));
}
