// A drafted chunk: its tokens after every pass, the changes of a pass, and its text.

import type { Candidate, Trace, Vocab } from '../../gen';
import { characterOf, glyph, many } from '../../run/format';

/** One position of the chunk after one pass. */
export interface DraftCell {
  readonly token: number;
  readonly prob: number;
  /** The guess of the previous pass, if it was different. */
  readonly was: number | null;
}

export interface Draft {
  /** By pass, then position. */
  readonly rows: readonly (readonly DraftCell[])[];
  /** Tokens that are drafted at once. */
  readonly places: number;
}

/** A cell of the draft: a pass and a position, both from 0. */
export interface At {
  readonly row: number;
  readonly column: number;
}

/** The draft in a trace. */
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

/** One alternative for a position, in all passes. */
export interface Contender {
  readonly token: number;
  /** By pass; `null` where it was not among the most probable. */
  readonly probs: readonly (number | null)[];
}

/** The most probable tokens at a position: of the last pass first, then of earlier ones. */
export function contenders(trace: Trace, place: number, most: number): Contender[] {
  const lists = trace.steps.map((step) => step.top?.[0]?.[place] ?? []);
  const order: number[] = [];
  const take = (candidate: Candidate | undefined) => {
    if (candidate && !order.includes(candidate.token)) order.push(candidate.token);
  };
  // The rows show every best guess, so none of them is left out.
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

/** The changes of the last pass, in words. */
export function lastChange({ rows, places }: Draft, vocab: Vocab): string {
  if (rows.length === 0) return '';
  if (rows.length === 1) return 'Pass 1 makes the first draft.';
  const changes = (rows.at(-1) ?? []).flatMap(({ token, was }) =>
    was === null ? [] : `“${glyph(vocab, was)}” became “${glyph(vocab, token)}”`,
  );
  const which = `Pass ${rows.length}`;
  if (changes.length === 0) return `${which} changed nothing.`;
  const unit = vocab.kind === 'char' ? 'character' : vocab.kind === 'byte' ? 'byte' : 'token';
  const of = `${changes.length} of ${many(places, unit)}`;
  return `${which} changed ${of}: ${changes.join(', ')}.`;
}

/** The drafted chunk after the last pass. */
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
    case 'subword':
    case 'plain':
    case 'arc':
    case 'classes':
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

/** The cell that a key moves to; `null` for other keys. */
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
