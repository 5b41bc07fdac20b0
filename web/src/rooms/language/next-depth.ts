// The depth that is compared next.

/** Of the depths up to `most`, the one farthest from those there are; `null` where all are. */
export function nextDepth(depths: readonly number[], most: number): number | null {
  const far = (depth: number) => Math.min(...depths.map((each) => Math.abs(each - depth)));
  const all = Array.from({ length: most }, (_, i) => i + 1);
  const next = all.reduce((best, depth) => (far(depth) > far(best) ? depth : best), 1);
  return far(next) > 0 ? next : null;
}
