// Differences between two texts.

import { diffWordsWithSpace } from 'diff';

/** A part of a text; `own` if the text it is compared with lacks it. */
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

/** `text` split by words into parts that `reference` shares and parts that it lacks. */
export function stretches(reference: string, text: string): Stretch[] {
  return diffWordsWithSpace(reference, text)
    .filter((part) => !part.removed)
    .map((part) => ({ text: part.value, own: part.added }));
}
