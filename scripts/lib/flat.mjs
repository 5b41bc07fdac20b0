// Whether a figure stays level over time: a robust line through its samples, and
// a verdict. Without side effects, so that it can be tested.

import { median } from "../bench/figures.mjs";

/**
 * What is left out at the start, while caches fill and histories reach their
 * length: a fifth of the run, and at least a minute (in hours, as the samples).
 */
const WARM_UP = { share: 0.2, least: 1 / 60 };
/** Samples after the warm-up: the normal approximation of Kendall's statistic holds from ten on. */
const FEWEST = 10;
/** Two-sided 95 % of a normal distribution. */
const Z = 1.96;

/**
 * Theil–Sen: the median slope over all pairs of samples, which single jumps (a
 * collection that came late, a page of memory taken at once) do not bend, and
 * the interval in which the slope lies with 95 % by Kendall's statistic.
 *
 * @param {{ at: number, value: number }[]} points
 * @returns {{ slope: number, least: number, most: number }}
 */
export function trend(points) {
  const slopes = [];
  for (let i = 0; i < points.length; i++) {
    for (let j = i + 1; j < points.length; j++) {
      const dt = points[j].at - points[i].at;
      if (dt > 0) slopes.push((points[j].value - points[i].value) / dt);
    }
  }
  slopes.sort((a, b) => a - b);
  const n = points.length;
  const spread = Z * Math.sqrt((n * (n - 1) * (2 * n + 5)) / 18);
  const rank = (r) => slopes[Math.min(slopes.length - 1, Math.max(0, Math.round(r)))];
  return {
    slope: median(slopes),
    least: rank((slopes.length - spread) / 2 - 1),
    most: rank((slopes.length + spread) / 2),
  };
}

/**
 * Judges one figure. `points`: `{ at: hours, value }` in order. `limit`: what it
 * may grow in an hour, `least` in its own unit or `share` of its level,
 * whichever is more. It grows when even the low end of the slope's interval is
 * above that: noise alone fails nothing, and the width of the interval tells what
 * a short run cannot decide. It must also have grown by more than `floor` between
 * the first and the last fifth of the samples, since a browser fills caches of
 * its own for some minutes. In a run of three minutes, `floor` decides: with
 * 1 MB, growth of about 40 MB an hour is found, which is half a kilobyte in each
 * of 20 training steps per second; slower growth needs `npm run soak`.
 */
export function judge(points, limit) {
  const whole = points.at(-1)?.at ?? 0;
  const warmUp = Math.max(whole * WARM_UP.share, WARM_UP.least);
  const warm = points.filter(({ at }) => at >= warmUp);
  if (warm.length < FEWEST) return { verdict: "too few samples", samples: warm.length };
  const fifth = Math.ceil(warm.length / 5);
  const level = (some) => median(some.map(({ value }) => value));
  const start = level(warm.slice(0, fifth));
  const end = level(warm.slice(-fifth));
  const { slope, least, most } = trend(warm);
  const allowed = Math.max(limit.least, limit.share * level(warm));
  const verdict = least > allowed && end - start > (limit.floor ?? 0) ? "grows" : "flat";
  return {
    verdict,
    samples: warm.length,
    start,
    end,
    growth: slope,
    least,
    most,
    allowed,
  };
}
