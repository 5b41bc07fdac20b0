// A drafted chunk: the tokens of its places after every refinement, what a refinement
// changed, and the chunk as text.

import type { Candidate, Trace, Vocab } from '../../gen';
import { characterOf, glyph } from '../../run/format';

/** One place of the chunk after one refinement. */
export interface DraftCell {
  readonly token: number;
  readonly prob: number;
  /** What stood there before this refinement, where it was something else. */
  readonly was: number | null;
}

export interface Draft {
  /** By refinement, then place. */
  readonly rows: readonly (readonly DraftCell[])[];
  /** Tokens that are drafted at once. */
  readonly places: number;
}

/** A cell of the draft: a refinement and a place, both from 0. */
export interface At {
  readonly row: number;
  readonly column: number;
}

/** What a trace of a draft says of the chunk. */
export function draftOf(trace: Trace): Draft {
  const tokens = trace.steps.map((step) => step.argmax[0] ?? []);
  const rows = trace.steps.map((step, k) =>
    (tokens[k] ?? []).map((token, place) => {
      const before = tokens[k - 1]?.[place];
      const was = before === undefined || before === token ? null : before;
      return { token, prob: step.prob[0]?.[place] ?? 0, was };
    }),
  );
  return { rows, places: rows[0]?.length ?? 0 };
}

/** One alternative for a place, through all refinements. */
export interface Contender {
  readonly token: number;
  /** By refinement; `null` where it was not among the most probable. */
  readonly probs: readonly (number | null)[];
}

/** The tokens that are most probable for a place: at the end, and then those that were before. */
export function contenders(trace: Trace, place: number, most: number): Contender[] {
  const lists = trace.steps.map((step) => step.top?.[0]?.[place] ?? []);
  const order: number[] = [];
  const take = (candidate: Candidate | undefined) => {
    if (candidate && !order.includes(candidate.token)) order.push(candidate.token);
  };
  // What was ever the best is what the rows show, so it is not left out.
  take(lists.at(-1)?.[0]);
  lists.forEach((list) => take(list[0]));
  lists.at(-1)?.forEach(take);
  const end = (token: number) => probOf(lists.at(-1), token) ?? 0;
  return order
    .slice(0, most)
    .sort((a, b) => end(b) - end(a))
    .map((token) => ({ token, probs: lists.map((list) => probOf(list, token)) }));
}

function probOf(list: readonly Candidate[] | undefined, token: number): number | null {
  return list?.find((candidate) => candidate.token === token)?.prob ?? null;
}

/** What the last refinement changed, in words. */
export function lastChange({ rows, places }: Draft, vocab: Vocab): string {
  if (rows.length === 0) return '';
  if (rows.length === 1) return 'Pass 1 makes the first draft.';
  const changes = (rows.at(-1) ?? []).flatMap(({ token, was }) =>
    was === null ? [] : `“${glyph(vocab, was)}” became “${glyph(vocab, token)}”`,
  );
  const which = `Pass ${rows.length}`;
  if (changes.length === 0) return `${which} changed nothing.`;
  const unit = vocab.kind === 'char' ? 'character' : vocab.kind === 'byte' ? 'byte' : 'token';
  const of = `${changes.length} of ${places} ${unit}${places === 1 ? '' : 's'}`;
  return `${which} changed ${of}: ${changes.join(', ')}.`;
}

/** The drafted chunk, as it stands after the last refinement. */
export function tokensOf({ rows }: Draft): number[] {
  return (rows.at(-1) ?? []).map(({ token }) => token);
}

/** Tokens as text; `null` where they are none, such as half a character. */
export function textOf(vocab: Vocab, tokens: readonly number[]): string | null {
  switch (vocab.kind) {
    case 'char':
      return tokens.map((token) => characterOf(vocab, token)).join('');
    case 'byte':
      try {
        return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(
          Uint8Array.from(tokens),
        );
      } catch {
        return null;
      }
    case 'bpe':
    case 'plain':
    case 'arc':
      return null;
    default:
      return vocab satisfies never;
  }
}

/** The end of a text, at most `most` characters long, and whether anything is left out. */
export function endOf(
  text: string,
  most: number,
): { readonly text: string; readonly cut: boolean } {
  const characters = [...text];
  const cut = characters.length > most;
  return { text: cut ? characters.slice(characters.length - most).join('') : text, cut };
}

/** Where a key leads in a table of so many rows and columns; `null` where nowhere. */
export function movedIn(
  key: string,
  { row, column }: At,
  rows: number,
  columns: number,
): At | null {
  const to = (row: number, column: number): At => ({
    row: Math.min(rows - 1, Math.max(0, row)),
    column: Math.min(columns - 1, Math.max(0, column)),
  });
  switch (key) {
    case 'ArrowUp':
      return to(row - 1, column);
    case 'ArrowDown':
      return to(row + 1, column);
    case 'ArrowLeft':
      return to(row, column - 1);
    case 'ArrowRight':
      return to(row, column + 1);
    case 'Home':
      return to(row, 0);
    case 'End':
      return to(row, columns - 1);
    default:
      return null;
  }
}
