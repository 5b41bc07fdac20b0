// Where two texts part.

/** Index of the first character, by code point, at which the texts differ. */
export function partsAt(a: string, b: string): number {
  const [left, right] = [[...a], [...b]];
  const shorter = Math.min(left.length, right.length);
  for (let i = 0; i < shorter; i += 1) if (left[i] !== right[i]) return i;
  return shorter;
}

/** A text in what is common and what is its own. */
export function split(text: string, at: number): readonly [string, string] {
  const characters = [...text];
  return [characters.slice(0, at).join(''), characters.slice(at).join('')];
}
