import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import {
  type ChartData,
  flops,
  frame,
  MARGIN,
  type Spot,
  spread,
  ticks,
  time,
} from '../src/ui/draw/chart';

const EMPTY: ChartData = { lines: [], chance: Math.log(65), end: 0, axis: 'steps' };

/** A chart of one line up to `end`. */
function chart(spots: readonly Spot[], end: number): ChartData {
  return { ...EMPTY, lines: [{ spots, colour: '--ink', width: 1 }], end };
}

describe('ticks', () => {
  test('are round numbers', () => {
    expect(ticks(0, 100, 5)).toEqual([0, 20, 40, 60, 80, 100]);
    expect(ticks(1.4, 4.3, 5)).toEqual([2, 3, 4]);
    expect(ticks(0, 20, 8)).toEqual([0, 5, 10, 15, 20]);
  });

  test('lie within their ends, evenly, and are never too many', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1e6, noNaN: true }),
        fc.double({ min: 0.01, max: 1e6, noNaN: true }),
        fc.integer({ min: 2, max: 10 }),
        (low, span, wanted) => {
          const found = ticks(low, low + span, wanted);
          expect(found.length).toBeLessThanOrEqual(wanted + 1);
          const slack = 1e-6 * (low + span);
          for (const tick of found) {
            expect(tick).toBeGreaterThanOrEqual(low - slack);
            expect(tick).toBeLessThanOrEqual(low + span + slack);
          }
        },
      ),
    );
  });
});

describe('the frame', () => {
  test('has room for chance and twenty steps before there is anything to draw', () => {
    const f = frame(EMPTY, 600, 300);
    expect(f.x(0)).toBe(MARGIN.left);
    expect(f.x(20)).toBeCloseTo(f.right);
    expect(f.y(EMPTY.chance)).toBeGreaterThan(MARGIN.top);
    expect(f.y(EMPTY.chance)).toBeLessThan(f.bottom);
  });

  test('holds every point; a loss that flew away is drawn at the top', () => {
    const training = [
      { x: 1, loss: 40 },
      { x: 500, loss: 1.5 },
    ];
    const f = frame(chart(training, 500), 600, 300);
    expect(f.y(40)).toBeCloseTo(MARGIN.top);
    expect(f.y(1.5)).toBeLessThan(f.bottom);
    expect(f.y(1.5)).toBeGreaterThan(f.y(2));
    expect(f.x(500)).toBeLessThanOrEqual(f.right);
  });

  test('shows losses far above guessing where they are the point', () => {
    const spots = [
      { x: 0, loss: 4 },
      { x: 300, loss: 10 },
    ];
    const f = frame({ ...chart(spots, 300), whole: true }, 600, 300);
    expect(f.y(10)).toBeGreaterThan(MARGIN.top);
    expect(f.y(10)).toBeLessThan(f.y(6));
    expect(Math.max(...f.ticksY)).toBeGreaterThan(7);
  });

  test('begins where a run goes on from a trained model', () => {
    const on = [
      { x: 2001, loss: 2 },
      { x: 2100, loss: 1.9 },
    ];
    const f = frame(chart(on, 2100), 600, 300);
    expect(f.x(2001)).toBe(MARGIN.left);
    expect(f.x(2100)).toBeGreaterThan(500);
    expect(Math.min(...f.ticksX)).toBeGreaterThanOrEqual(2001);
    // A run from nothing keeps its zero, also when its first steps were averaged.
    const own = [{ x: 2, loss: 3 }, ...on];
    expect(frame(chart(own, 2100), 600, 300).x(0)).toBe(MARGIN.left);
  });

  test('reaches to the longest of several lines, also where it is no step', () => {
    const line = (x: number) => ({
      spots: [
        { x: 0, loss: 4 },
        { x, loss: 2 },
      ],
      colour: '',
      width: 1,
    });
    const data = { ...EMPTY, lines: [line(2e12), line(5e12)] };
    const f = frame({ ...data, axis: 'compute' }, 600, 300);
    expect(f.x(5e12)).toBeLessThanOrEqual(f.right);
    expect(f.x(5e12)).toBeGreaterThan(f.right - 20);
    // Three seconds fill a chart of times, as three steps would not one of steps.
    const short = { ...EMPTY, lines: [line(3)] };
    expect(frame({ ...short, axis: 'time' }, 600, 300).x(3)).toBeGreaterThan(f.right - 20);
    expect(frame(short, 600, 300).x(3)).toBeLessThan(f.right / 2);
  });

  test('stays finite when a loss is not', () => {
    const training = [
      { x: 1, loss: NaN },
      { x: 2, loss: Infinity },
    ];
    const f = frame(chart(training, 2), 600, 300);
    expect(Number.isFinite(f.y(3))).toBe(true);
    expect(f.ticksY.length).toBeGreaterThan(0);
  });
});

test('operations are written as people write them', () => {
  expect([0, 950, 1e6, 2.5e12, 3e15].map(flops)).toEqual(['0', '950', '1 M', '2.5 T', '3 P']);
  expect([999_400, 999_600].map(flops)).toEqual(['999 k', '1 M']);
});

test('times are written without the error of their sums', () => {
  expect(ticks(0, 1, 5).map(time)).toEqual(['0 s', '0.2 s', '0.4 s', '0.6 s', '0.8 s', '1 s']);
  expect([90, 150].map(time)).toEqual(['90 s', '2.5 min']);
});

describe('labels', () => {
  test('that lie apart stay where they are', () => {
    const labels = [{ y: 10 }, { y: 60 }, { y: 100 }];
    expect(spread(labels, 200)).toEqual(labels);
  });

  test('never cover each other, leave the chart at the bottom or change their order', () => {
    const ys = fc.array(fc.double({ min: 0, max: 200, noNaN: true }), { maxLength: 8 });
    fc.assert(
      fc.property(ys, (at) => {
        const labels = at.map((y, i) => ({ y, i }));
        const placed = spread(labels, 200);
        const wanted = [...labels].sort((a, b) => a.y - b.y).map((label) => label.i);
        expect(placed.map((label) => label.i)).toEqual(wanted);
        for (const [i, label] of placed.entries()) {
          expect(label.y).toBeLessThanOrEqual(200);
          const next = placed[i + 1];
          if (next) expect(next.y - label.y).toBeGreaterThanOrEqual(14 - 1e-9);
        }
      }),
    );
  });
});
