// Tokens and the text that they stand for. A token is not a character: a byte may be a
// part of one, and a byte pair several.

import type { Vocab } from '../../gen';
import { glyph } from '../../run/format';

/**
 * The text of each token of a row; a character of several tokens belongs to the last of
 * them. `null` where the page does not know the vocabulary.
 */
export function piecesOf(vocab: Vocab, row: readonly number[]): (string | null)[] {
  if (vocab.kind === 'char') {
    const characters = [...vocab.chars];
    return row.map((token) => characters[token] ?? null);
  }
  if (vocab.kind !== 'byte') return row.map(() => null);
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  return row.map((token) => decoder.decode(Uint8Array.of(token), { stream: true }));
}

/** The end of a text that fits in `block` tokens, and how many tokens lie before it. */
export function endWithin(
  vocab: Vocab,
  text: string,
  block: number,
): { readonly text: string; readonly from: number; readonly tokens: number } {
  const characters = [...text];
  const sizes = characters.map((character) => sizeOf(vocab, character));
  const all = sizes.reduce((sum, size) => sum + size, 0);
  let [from, first] = [0, 0];
  while (all - from > block) from += sizes[first++] ?? all;
  return { text: characters.slice(first).join(''), from, tokens: all - from };
}

/** Tokens of a character; of byte pairs, one at most for each byte. */
function sizeOf(vocab: Vocab, character: string): number {
  return vocab.kind === 'char' ? 1 : new TextEncoder().encode(character).length;
}

/** How a token is shown: by its text, or else as the vocabulary has it. */
export function label(vocab: Vocab, token: number, piece: string | null): string {
  if (piece === null) return glyph(vocab, token);
  // The first bytes of a character show as such.
  if (piece === '') return vocab.kind === 'byte' ? glyph(vocab, token) : '·';
  return piece.replaceAll('\n', '↵').replaceAll(' ', '␣');
}
