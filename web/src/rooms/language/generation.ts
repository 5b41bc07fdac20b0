// The grid of a text that is being generated: the readouts of the prompt, and then those
// that each token was drawn from. Both come from the passes that made the text.

import type { Generated, TraceStep } from '../../gen';
import type { Reading } from './grid';

/** Positions that are kept; a grid shows fewer. */
const MOST = 512;

/** Whether a piece of generated text has the readouts of all its tokens. */
export function isTraced({ tokens, pieces, trace }: Generated): boolean {
  return trace?.tokens[0]?.length === tokens.length && pieces.length === tokens.length;
}

/** A reading with the tokens that were generated after it. */
export function continued(reading: Reading, { tokens, pieces, trace }: Generated): Reading {
  if (!trace || tokens.length === 0) return reading;
  const row = [...(reading.trace.tokens[0] ?? []), ...tokens];
  // The readout after the last position is the one that the next token was drawn from.
  const known = (reading.trace.tokens[0]?.length ?? 0) - 1;
  const dropped = Math.max(0, row.length - MOST);
  const steps = trace.steps.map((step, k) => {
    const before = reading.trace.steps[k];
    return before ? joined(before, step, known, dropped) : step;
  });
  const before = reading.pieces ?? row.slice(0, known + 1).map(() => null);
  return {
    trace: { ...trace, tokens: [row.slice(dropped)], steps },
    pieces: [...before, ...pieces].slice(dropped),
    from: reading.from + dropped,
  };
}

function joined(before: TraceStep, after: TraceStep, known: number, dropped: number): TraceStep {
  const join = <T>(a: readonly T[][] | undefined, b: readonly T[][] | undefined): T[][] => [
    [...(a?.[0] ?? []).slice(0, known), ...(b?.[0] ?? [])].slice(dropped),
  ];
  return {
    ...after,
    argmax: join(before.argmax, after.argmax),
    prob: join(before.prob, after.prob),
    entropy: join(before.entropy, after.entropy),
    top: join(before.top, after.top),
  };
}

/** The trace of a whole text: of its prompt, and of all that was generated after it. */
export function written(prompt: Reading, generated: readonly Generated[]): Reading {
  return generated.reduce(continued, prompt);
}
