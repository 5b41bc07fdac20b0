import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { cellAt, gridHeight, layoutOf } from '../src/rooms/language/draw/grid';
import { shade, STRONG } from '../src/ui/draw/paint';
import type { Trace, TraceStep } from '../src/gen';
import { alternatives, gridOf, sharesOver } from '../src/rooms/language/grid';

/** A model that reads `tokens` and guesses `guesses[cycle][position]`. */
function traced(tokens: number[], guesses: number[][]): Trace {
  const steps = guesses.map((argmax, i): TraceStep => {
    const step = i + 1;
    return {
      step,
      argmax: [argmax],
      prob: [argmax.map((_, at) => (step + at) / 100)],
      entropy: [argmax.map(() => 1 / step)],
      top: [
        argmax.map((token) => [
          { token, prob: 0.5 + step / 10 },
          { token: token + 50, prob: 0.1 },
        ]),
      ],
      halt: null,
      state_rms: 1,
      state_change: 1 / step,
    };
  });
  return { variant: 'chat_trm', depth: guesses.length, tokens: [tokens], steps };
}

const trace = traced(
  [3, 4, 5, 6],
  [
    [9, 5, 8, 7],
    [4, 5, 6, 7],
    [4, 5, 8, 2],
  ],
);

describe('the grid of a trace', () => {
  test('marks where a cycle changed its mind, and where it is what comes next', () => {
    const grid = gridOf({ trace, from: 10 }, 4);
    const marks = grid.columns.map(({ cells }) => cells.map(({ flipped }) => flipped));
    expect(marks).toEqual([
      [false, true, false],
      [false, false, false],
      [false, true, true],
      [false, false, true],
    ]);
    expect(grid.columns.map(({ cells }) => cells.map(({ right }) => right))).toEqual([
      [false, true, true],
      [true, true, true],
      [false, true, false],
      // What follows the last character is not known.
      [null, null, null],
    ]);
    expect(grid.columns.map(({ at, token }) => [at, token])).toEqual([
      [10, 3],
      [11, 4],
      [12, 5],
      [13, 6],
    ]);
    expect(grid.norms.map(({ moved }) => moved)).toEqual([1, 1 / 2, 1 / 3]);
  });

  test('shows the end of the text where not all of it fits', () => {
    fc.assert(
      fc.property(fc.integer({ min: -3, max: 9 }), fc.nat(100), (width, from) => {
        const { columns } = gridOf({ trace, from }, width);
        expect(columns.length).toBe(Math.min(4, Math.max(1, width)));
        expect(columns.at(-1)?.at).toBe(from + 3);
        expect(columns.every(({ cells }) => cells.length === 3)).toBe(true);
      }),
    );
  });

  test('lists alternatives with what the cycle did to them', () => {
    const reading = { trace, from: 10 };
    expect(alternatives(reading, 1, 10, 5).map(({ change }) => change)).toEqual([null, null]);
    const [first, second] = alternatives(reading, 3, 10, 5);
    expect(first).toMatchObject({ token: 4, prob: 0.8 });
    expect(first?.change).toBeCloseTo(0.1);
    expect(second).toMatchObject({ token: 54, change: 0 });
    // The cycle before guessed another one, and did not list this.
    expect(alternatives(reading, 2, 10, 1)).toEqual([{ token: 4, prob: 0.7, change: null }]);
    expect(alternatives(reading, 9, 10, 5)).toEqual([]);
    expect(alternatives(reading, 1, 99, 5)).toEqual([]);
  });

  test('sums up what a head takes from before it', () => {
    const { earlier, shown } = sharesOver([0.1, 0.2, 0.3, 0.4], 2, 2);
    expect(earlier).toBeCloseTo(0.3);
    expect(shown).toEqual([0.3, 0.4]);
    expect(sharesOver([], 2, 2)).toEqual({ earlier: 0, shown: [] });
  });
});

describe('the drawing of a grid', () => {
  test('has a cell under every point of it and none beside it', () => {
    for (const width of [300, 1200]) {
      const layout = layoutOf(width);
      const grid = gridOf({ trace, from: 0 }, layout.columns);
      expect(layout.gutter + layout.columns * layout.cell).toBeLessThanOrEqual(width);
      const bottom = gridHeight(3, layout) - 1;
      expect(cellAt(layout.gutter + 1, bottom, layout, grid)).toEqual({ cycle: 3, column: 0 });
      expect(cellAt(layout.gutter - 1, bottom, layout, grid)).toBeNull();
      expect(cellAt(layout.gutter + 4 * layout.cell, bottom, layout, grid)).toBeNull();
      expect(cellAt(layout.gutter + 1, bottom + 1, layout, grid)).toBeNull();
      expect(cellAt(layout.gutter + 1, 1, layout, grid)).toBeNull();
    }
  });

  test('shades grow with the share, and never lie between the two inks', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true }), fc.double({ noNaN: true }), (a, b) => {
        const [low, high] = a < b ? [a, b] : [b, a];
        expect(shade(low)).toBeLessThanOrEqual(shade(high));
        for (const share of [low, high]) {
          const strength = shade(share);
          expect(share > STRONG ? strength >= 0.78 : strength <= 0.62).toBe(true);
          expect(strength).toBeGreaterThanOrEqual(0);
          expect(strength).toBeLessThanOrEqual(1);
        }
      }),
    );
  });
});
