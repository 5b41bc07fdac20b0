// Words of a generated text that do not occur in the training text: they are made up.
// And where two generated texts part.

/** The words of a training text, in small letters. */
export type Lexicon = ReadonlySet<string>;

const WORD = /[\p{L}\p{M}][\p{L}\p{M}'’-]*/gu;
const ENDS = /['’-]+$/u;
const bare = (word: string): string => word.toLowerCase().replace(ENDS, '');

export function lexiconOf(text: string): Lexicon {
  return new Set(Array.from(text.matchAll(WORD), ([word]) => bare(word)));
}

/** A part of a text. */
export interface Part {
  readonly text: string;
  /** Whether it is a word that the training text lacks. */
  readonly made: boolean;
  /** Whether the text first differs here from the one that it is compared with. */
  readonly first: boolean;
}

/** Index of the first character, by code point, at which the texts differ. */
export function partsAt(a: string, b: string): number {
  const [left, right] = [[...a], [...b]];
  const shorter = Math.min(left.length, right.length);
  for (let i = 0; i < shorter; i += 1) if (left[i] !== right[i]) return i;
  return shorter;
}

/**
 * A text in parts. The last word is not judged, as it may be cut off. `reference`: the text
 * to compare with; the first difference reaches to the end of its word.
 */
export function partsOf(text: string, lexicon: Lexicon | null, reference: string | null): Part[] {
  const made = Array.from(text.matchAll(WORD), ({ 0: word, index }) => ({
    ...{ from: index, to: index + word.length },
    made: index + word.length < text.length && lexicon !== null && !lexicon.has(bare(word)),
  })).filter((word) => word.made);
  const first = reference === null ? null : differenceOf(reference, text);
  const cuts = new Set([0, text.length]);
  for (const { from, to } of [...made, ...(first ? [first] : [])]) cuts.add(from).add(to);
  const at = [...cuts].sort((a, b) => a - b);
  const within = (ranges: readonly { from: number; to: number }[], from: number, to: number) =>
    ranges.some((range) => range.from <= from && to <= range.to);
  return at.slice(0, -1).map((from, i) => {
    const to = at[i + 1] ?? text.length;
    return {
      text: text.slice(from, to),
      made: within(made, from, to),
      first: first !== null && within([first], from, to),
    };
  });
}

/** Where a text first differs from another, to the end of the word; `null` where it does not. */
function differenceOf(reference: string, text: string): { from: number; to: number } | null {
  const characters = [...text];
  const at = partsAt(reference, text);
  if (at >= characters.length) return null;
  const from = characters.slice(0, at).join('').length;
  const rest = /^(?:[\p{L}\p{M}'’-]+|\s+|.)/u.exec(text.slice(from))?.[0].length ?? 1;
  return { from, to: from + rest };
}

/** How many words a text has, but for the last, and how many of them are made up. */
export function madeUp(text: string, lexicon: Lexicon): { words: number; made: number } {
  const words = Array.from(text.matchAll(WORD)).filter(
    ({ 0: word, index }) => index + word.length < text.length,
  );
  return { words: words.length, made: words.filter(([word]) => !lexicon.has(bare(word))).length };
}

/** A sentence on made-up words. */
export function saidOf({ words, made }: { words: number; made: number }): string {
  if (words === 0) return '';
  return `${Math.round((100 * made) / words)} % made-up words (${made} of ${words})`;
}
