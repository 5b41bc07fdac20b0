// A question with its open ends filled in by the model that is asked.

import type { RunConfig } from '../gen';
import { telling } from './run';
import { DEEPEST, type Question } from './url';

export interface Asked extends Question {
  readonly depth: number;
  readonly depths: readonly number[];
  readonly probe: string;
}

/** Read where the text is Shakespeare: short, and with something to foresee in it. */
const PROBE = 'KING RICHARD:\nWhat say you, my lord?';
/** Characters of another text's beginning. */
const LENGTH = 36;

/** `text`: what the model learns from, where it is the visitor's own. */
export function asked(question: Question, config: RunConfig | null, text: string | null): Asked {
  const trained = Math.min(DEEPEST, config?.model.recursion_steps ?? 1);
  return {
    ...question,
    depth: question.depth ?? trained,
    depths: question.depths ?? telling(trained),
    probe: question.probe ?? (text === null ? PROBE : [...text.trim()].slice(0, LENGTH).join('')),
  };
}
