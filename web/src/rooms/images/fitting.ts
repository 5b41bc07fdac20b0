// Drawings made like the images of a data set: the same size, place and weight.

import { type Bitmap, isBlank, SIDE } from './bitmap';

/** How a data set normalised its digits. */
export interface Frame {
  /** Largest width and height of the ink, in pixels. */
  readonly width: number;
  readonly height: number;
  /** Pixels with ink, of every digit alike; `null` where strokes keep their width. */
  readonly ink: number | null;
}

/** `digits`: all rows, the middle columns, and as much ink for a 1 as for an 8. */
export const DIGITS: Frame = { width: 24, height: 32, ink: 290 };
/** MNIST: 20 of 28 pixels. */
export const MNIST: Frame = { width: 22, height: 22, ink: null };

/** Small drawings are enlarged at most so much: the first dot must not fill the frame. */
const MOST_ENLARGED = 3;
/** Pixels by which a stroke grows or shrinks at most on each side. */
const MOST_MOVED = 3;

/** The drawing centred, enlarged to the frame, and with as much ink. */
export function fitted(bitmap: Bitmap, frame: Frame): Bitmap {
  if (isBlank(bitmap)) return bitmap;
  const sized = enlarged(bitmap, frame);
  return frame.ink === null ? sized : weighted(sized, frame.ink);
}

function enlarged(bitmap: Bitmap, { width, height }: Frame): Bitmap {
  const inked = [...bitmap.keys()].filter((i) => bitmap[i]);
  const xs = inked.map((i) => i % SIDE);
  const ys = inked.map((i) => Math.floor(i / SIDE));
  const [left, right] = [Math.min(...xs), Math.max(...xs) + 1];
  const [top, bottom] = [Math.min(...ys), Math.max(...ys) + 1];
  const down = Math.min(MOST_ENLARGED, height / (bottom - top));
  // Wide ones get narrower, but keep their height.
  const across = Math.min(down, width / (right - left));
  const back = (at: number, scale: number, low: number, high: number) =>
    Math.floor((at + 0.5 - SIDE / 2) / scale + (low + high) / 2);
  return bitmap.map((_, i) => {
    const x = back(i % SIDE, across, left, right);
    const y = back(Math.floor(i / SIDE), down, top, bottom);
    const inside = x >= 0 && x < SIDE && y >= 0 && y < SIDE;
    return inside ? (bitmap[y * SIDE + x] ?? 0) : 0;
  });
}

/** Strokes that grow or shrink at their edges until there are `ink` pixels. */
function weighted(bitmap: Bitmap, ink: number): Bitmap {
  const all = [...bitmap.keys()];
  const inked = all.filter((i) => bitmap[i]);
  const free = all.filter((i) => !bitmap[i]);
  const grows = inked.length < ink;
  const [from, to] = grows ? [inked, free] : [free, inked];
  const nearest = to
    .map((i) => ({ i, distance: distance(i, from) }))
    .filter((each) => each.distance <= MOST_MOVED)
    .sort((a, b) => a.distance - b.distance)
    .slice(0, Math.abs(ink - inked.length));
  const moved = bitmap.slice();
  for (const { i } of nearest) moved[i] = grows ? 1 : 0;
  return moved;
}

/** From a pixel to the nearest of others. */
function distance(at: number, others: readonly number[]): number {
  const [x, y] = [at % SIDE, Math.floor(at / SIDE)];
  let least = Infinity;
  for (const other of others) {
    const [dx, dy] = [x - (other % SIDE), y - Math.floor(other / SIDE)];
    least = Math.min(least, dx * dx + dy * dy);
  }
  return Math.sqrt(least);
}
