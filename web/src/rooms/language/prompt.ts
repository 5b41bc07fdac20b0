// Prompts that a model can read.

import type { RunSummary } from '../../gen';
import { DEFAULT_OPTIONS } from './url';

/**
 * `prompt`, if the model can read it. Otherwise how `text` begins, the visitor's own that the
 * model learns from, or the usual prompt.
 */
export function readable(prompt: string, { vocab }: RunSummary, text: string | null): string {
  if (vocab.kind !== 'char') return prompt;
  const known = new Set(vocab.chars);
  const reads = (each: string) => [...each].every((character) => known.has(character));
  if (reads(prompt)) return prompt;
  if (text !== null) return (/\S+/u.exec(text)?.[0] ?? '').slice(0, 12);
  return reads(DEFAULT_OPTIONS.prompt) ? DEFAULT_OPTIONS.prompt : prompt;
}
