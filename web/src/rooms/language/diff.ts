// Where texts part, and what else differs.

import { diffWordsWithSpace } from 'diff';

/** A stretch of a text; `own` where the text it is compared with has none like it. */
export interface Stretch {
  readonly text: string;
  readonly own: boolean;
}

/** Index of the first character, by code point, at which the texts differ. */
export function partsAt(a: string, b: string): number {
  const [left, right] = [[...a], [...b]];
  const shorter = Math.min(left.length, right.length);
  for (let i = 0; i < shorter; i += 1) if (left[i] !== right[i]) return i;
  return shorter;
}

/** `text` in stretches: what it shares with `reference`, word by word, and what is its own. */
export function stretches(reference: string, text: string): Stretch[] {
  return diffWordsWithSpace(reference, text)
    .filter((part) => !part.removed)
    .map((part) => ({ text: part.value, own: part.added }));
}
