// A question with its open ends filled in by the model that is asked.

import type { RunConfig } from '../../gen';
import { telling } from '../../run/state';
import { DEEPEST, type Question } from './url';
import { depthOf } from '../../run/sizes';

export interface Asked extends Question {
  readonly depth: number;
  readonly depths: readonly number[];
  readonly probe: string;
}

/** Read where the text is Shakespeare: short, and with something to foresee in it. */
const PROBE = 'What say you to this, my good lord?';
/** Characters of another text's beginning, all on one line. */
const BEGINNING = /\S.{0,35}/u;

/** `text`: what the model learns from, where it is the visitor's own. */
export function asked(question: Question, config: RunConfig | null, text: string | null): Asked {
  const trained = Math.min(DEEPEST, config ? depthOf(config.model) : 1);
  return {
    ...question,
    depth: question.depth ?? trained,
    depths: question.depths ?? telling(trained),
    probe: question.probe ?? (text === null ? PROBE : beginning(text)),
  };
}

function beginning(text: string): string {
  return BEGINNING.exec(text)?.[0] ?? '';
}
