// Prompts that a model can read.

import type { RunSummary } from '../../gen';

/** `prompt`, or else how the text begins that the model was trained on. */
export function readable(prompt: string, { vocab }: RunSummary, text: string | null): string {
  if (vocab.kind !== 'char' || text === null) return prompt;
  const known = new Set(vocab.chars);
  if ([...prompt].every((character) => known.has(character))) return prompt;
  return (/\S+/u.exec(text)?.[0] ?? '').slice(0, 12);
}
