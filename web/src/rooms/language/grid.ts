// A trace as a grid: the positions that fit, with the best guess of each cycle, its
// probability and its changes.

import type { Candidate, Trace } from '../../gen';

/** One cycle's guess after one position. */
export interface Cell {
  readonly token: number;
  readonly prob: number;
  /** In nats. */
  readonly entropy: number;
  /** Whether the previous cycle had another guess. */
  readonly flipped: boolean;
  /** Whether the guess is what comes next in the text; `null` at its end. */
  readonly right: boolean | null;
}

export interface Column {
  /** Position in the text, from 0. */
  readonly at: number;
  /** The input token. */
  readonly token: number;
  /** Its text; `null` where that is unknown. */
  readonly piece: string | null;
  /** One cell for each cycle. */
  readonly cells: readonly Cell[];
}

export interface Grid {
  readonly columns: readonly Column[];
  readonly cycles: number;
  /** By cycle: size and change of the state (RMS). */
  readonly norms: readonly { readonly size: number; readonly moved: number }[];
}

/** The traced tokens, and the position of the first one in the text. */
export interface Reading {
  readonly trace: Trace;
  readonly from: number;
  /** The text of each token; `null` where that is unknown. */
  readonly pieces?: readonly (string | null)[];
}

/** The last `width` positions of a reading. */
export function gridOf({ trace, from, pieces = [] }: Reading, width: number): Grid {
  const row = trace.tokens[0] ?? [];
  // A token that was just generated has no readout yet.
  const read = Math.min(row.length, trace.steps[0]?.argmax[0]?.length ?? 0);
  const first = Math.max(0, read - Math.max(1, width));
  const columns = row
    .slice(first, read)
    .map((token, i) => column(trace, row, first + i, from, token, pieces[first + i] ?? null));
  const norms = trace.steps.map(({ state_rms, state_change }) => ({
    size: state_rms,
    moved: state_change,
  }));
  return { columns, cycles: trace.steps.length, norms };
}

function column(
  trace: Trace,
  row: readonly number[],
  i: number,
  from: number,
  token: number,
  piece: string | null,
): Column {
  const guesses = trace.steps.map((step) => step.argmax[0]?.[i] ?? 0);
  const next = row[i + 1];
  const cells = trace.steps.map((step, k) => {
    const guess = guesses[k] ?? 0;
    return {
      token: guess,
      prob: step.prob[0]?.[i] ?? 0,
      entropy: step.entropy[0]?.[i] ?? 0,
      flipped: k > 0 && guesses[k - 1] !== guess,
      right: next === undefined ? null : guess === next,
    };
  });
  return { at: from + i, token, piece, cells };
}

/** One alternative, and the change of its probability in this cycle. */
export interface Alternative extends Candidate {
  /** `null` in the first cycle, and where the cycle before did not list it. */
  readonly change: number | null;
}

/** The most probable tokens of a cycle (from 1) after the position `at`. */
export function alternatives(
  { trace, from }: Reading,
  cycle: number,
  at: number,
  most: number,
): Alternative[] {
  const listed = (k: number) => trace.steps[k - 1]?.top?.[0]?.[at - from] ?? [];
  const before = listed(cycle - 1);
  return listed(cycle)
    .slice(0, most)
    .map(({ token, prob }) => {
      const earlier = before.find((candidate) => candidate.token === token);
      return { token, prob, change: earlier ? prob - earlier.prob : null };
    });
}

/** What one head takes from each position, cut to the last `width` up to `at`. */
export interface Shares {
  /** What it takes from all positions before those shown. */
  readonly earlier: number;
  readonly shown: readonly number[];
}

/** A head's shares over the columns of a grid that begins at position `first`. */
export function sharesOver(shares: readonly number[], first: number, count: number): Shares {
  const earlier = shares.slice(0, first).reduce((sum, share) => sum + share, 0);
  return { earlier, shown: shares.slice(first, first + count) };
}
