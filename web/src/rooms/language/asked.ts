// Prompt and options with the defaults of a model filled in.

import type { RunConfig } from '../../gen';
import { telling } from '../../run/state';
import { DEEPEST, type Question } from './url';
import { depthOf } from '../../gen';

export interface Asked extends Question {
  readonly depth: number;
  readonly depths: readonly number[];
  readonly probe: string;
}

/** The fixed text for Shakespeare: short, with predictable words. */
const PROBE = 'What say you to this, my good lord?';
/** The first characters of another text, on one line. */
const BEGINNING = /\S.{0,35}/u;

/** `text`: the training text, if it is the visitor's own. */
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
