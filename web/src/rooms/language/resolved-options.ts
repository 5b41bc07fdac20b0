// Prompt and options with the defaults of a model filled in.

import type { RunConfig } from '../../gen';
import { telling } from '../../run/state';
import { DEEPEST, type PromptOptions } from './url';
import { depthOf } from '../../gen';

export interface ResolvedOptions extends PromptOptions {
  readonly depth: number;
  readonly depths: readonly number[];
  readonly referenceText: string;
}

/** The fixed text for Shakespeare: short, with predictable words. */
const REFERENCE_TEXT = 'What say you to this, my good lord?';
/** The first characters of another text, on one line. */
const BEGINNING = /\S.{0,35}/u;

/** Passes at first: a grid that fits on the screen. More add little to the supplied models. */
const USUAL = 4;

/** `text`: the training text, if it is the visitor's own. */
export function resolveOptions(
  options: PromptOptions,
  config: RunConfig | null,
  text: string | null,
): ResolvedOptions {
  const trained = Math.min(DEEPEST, config ? depthOf(config.model) : USUAL);
  return {
    ...options,
    depth: options.depth ?? Math.min(USUAL, trained),
    depths: options.depths ?? telling(trained),
    referenceText: options.referenceText ?? (text === null ? REFERENCE_TEXT : beginning(text)),
  };
}

function beginning(text: string): string {
  return BEGINNING.exec(text)?.[0] ?? '';
}
