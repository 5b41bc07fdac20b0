import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { judge, trend } from '../../scripts/lib/flat.mjs';

/** Two hours, one sample a minute. */
function samples(value: (hour: number, i: number) => number, n = 120) {
  return Array.from({ length: n }, (_, i) => ({
    at: (2 * i) / (n - 1),
    value: value((2 * i) / (n - 1), i),
  }));
}

/** Noise of ±1 that repeats itself never within a run. */
const noise = (i: number) => ((i * 7919) % 1000) / 500 - 1;

const LIMIT = { least: 2, share: 0 };

describe('the trend', () => {
  test('of a line is its slope, whatever the line', () => {
    fc.assert(
      fc.property(fc.integer({ min: -50, max: 50 }), fc.integer({ min: -50, max: 50 }), (a, b) => {
        const { slope, least, most } = trend(samples((at) => a * at + b));
        for (const each of [slope, least, most]) expect(each).toBeCloseTo(a, 6);
      }),
    );
  });

  test('is not bent by a few samples that are far off', () => {
    const { slope } = trend(samples((at, i) => 3 * at + (i % 11 === 0 ? 500 : 0)));
    expect(slope).toBeCloseTo(3, 1);
  });

  test('lies in its interval, which noise widens', () => {
    const { slope, least, most } = trend(samples((at, i) => 3 * at + noise(i)));
    expect(least).toBeLessThan(slope);
    expect(slope).toBeLessThan(most);
    expect(least).toBeGreaterThan(2);
    expect(most).toBeLessThan(4);
  });
});

describe('a figure', () => {
  test('that stays is flat, noise and all', () => {
    const judged = judge(
      samples((_, i) => 100 + noise(i)),
      LIMIT,
    );
    expect(judged).toMatchObject({ verdict: 'flat', allowed: 2 });
  });

  test('that grows by more than it may is not flat', () => {
    expect(
      judge(
        samples((at, i) => 100 + 3 * at + noise(i)),
        LIMIT,
      ).verdict,
    ).toBe('grows');
    expect(
      judge(
        samples((at, i) => 100 + at + noise(i)),
        LIMIT,
      ).verdict,
    ).toBe('flat');
  });

  test('may grow by a share of its level where that is more', () => {
    const points = samples((at) => 100 + 3 * at);
    expect(judge(points, { least: 2, share: 0.05 }).verdict).toBe('flat');
  });

  test('is not held against its warm-up', () => {
    // The first fifth of two hours.
    expect(
      judge(
        samples((at) => 100 * Math.min(at, 0.4)),
        LIMIT,
      ).verdict,
    ).toBe('flat');
  });

  test('that once takes more and keeps it is flat, in steps again and again it is not', () => {
    expect(
      judge(
        samples((at) => (at < 1.7 ? 100 : 150)),
        LIMIT,
      ).verdict,
    ).toBe('flat');
    expect(
      judge(
        samples((at) => 100 + 10 * Math.floor(at * 4)),
        LIMIT,
      ).verdict,
    ).toBe('grows');
  });

  test('must have grown in the run itself, and not only when that is drawn out', () => {
    const hour = samples((at) => 100 + 3 * at);
    const short = hour.map(({ at, value }) => ({ at: at / 12, value: 100 + (value - 100) / 12 }));
    for (const floor of [undefined, 1]) {
      expect(judge(hour, { ...LIMIT, ...(floor && { floor }) }).verdict).toBe('grows');
    }
    expect(judge(short, LIMIT).verdict).toBe('grows');
    expect(judge(short, { ...LIMIT, floor: 1 }).verdict).toBe('flat');
    // What grows faster is found in a short run as well.
    const fast = short.map(({ at, value }) => ({ at, value: 100 + 12 * (value - 100) }));
    expect(judge(fast, { ...LIMIT, floor: 1 }).verdict).toBe('grows');
  });

  test('of three minutes can still fail: half a kilobyte in each of 20 steps per second', () => {
    const limit = { least: 2e6, share: 0.05, floor: 1e6 };
    /** Sixty samples of a tab that holds 20 MB, with a megabyte of noise. */
    const run = (bytesPerStep: number) =>
      Array.from({ length: 60 }, (_, i) => ({
        at: (3 * i) / 59 / 60,
        value: 20e6 + bytesPerStep * 20 * ((180 * i) / 59) + 3e5 * noise(i),
      }));
    expect(judge(run(0), limit).verdict).toBe('flat');
    expect(judge(run(1000), limit).verdict).toBe('grows');
    // A minute is all warm-up.
    const minute = run(1000).filter(({ at }) => at <= 1 / 60);
    expect(judge(minute, limit).verdict).toBe('too few samples');
  });

  test('of which little is known is not judged', () => {
    expect(
      judge(
        samples(() => 1, 12),
        LIMIT,
      ).verdict,
    ).toBe('too few samples');
    expect(judge([], LIMIT).verdict).toBe('too few samples');
  });
});
