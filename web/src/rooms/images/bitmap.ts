// A drawing of 32 × 32 pixels, each ink or not.

export const SIDE = 32;

/** Row by row: 1 is ink, 0 is none. */
export type Bitmap = Uint8Array;

/** A place on the drawing, in pixels from its upper left corner. */
export interface Place {
  readonly x: number;
  readonly y: number;
}

/** Radius of the pen. */
const PEN = 1.8;

export function blank(): Bitmap {
  return new Uint8Array(SIDE * SIDE);
}

export function isBlank(bitmap: Bitmap): boolean {
  return bitmap.every((pixel) => pixel === 0);
}

/** The drawing with a line by a round pen; `ink` 0 erases. */
export function withLine(bitmap: Bitmap, from: Place, to: Place, ink: 0 | 1 = 1): Bitmap {
  return bitmap.map((pixel, i) => {
    const centre = { x: (i % SIDE) + 0.5, y: Math.floor(i / SIDE) + 0.5 };
    return distance(centre, from, to) <= PEN ? ink : pixel;
  });
}

/** The distance of a place from a line. */
function distance(at: Place, from: Place, to: Place): number {
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const length = dx * dx + dy * dy;
  const along = length && ((at.x - from.x) * dx + (at.y - from.y) * dy) / length;
  const share = Math.min(1, Math.max(0, along));
  return Math.hypot(at.x - from.x - share * dx, at.y - from.y - share * dy);
}

/** As red, green, blue and opacity: white on black. */
export function toRgba(bitmap: Bitmap): Uint8Array {
  const rgba = new Uint8Array(4 * bitmap.length).fill(255);
  bitmap.forEach((pixel, i) => rgba.fill(pixel ? 255 : 0, 4 * i, 4 * i + 3));
  return rgba;
}

/** For an address: six pixels in a character. */
export function encode(bitmap: Bitmap): string {
  const bytes = Array.from({ length: bitmap.length / 8 }, (_, byte) =>
    bitmap.subarray(8 * byte, 8 * byte + 8).reduce((sum, bit) => 2 * sum + bit, 0),
  );
  const text = btoa(String.fromCharCode(...bytes));
  return text.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/** `null` where a text is no drawing. */
export function decode(text: string): Bitmap | null {
  if (!/^[\w-]+$/.test(text)) return null;
  try {
    const bytes = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
    if (8 * bytes.length !== SIDE * SIDE) return null;
    return Uint8Array.from(
      blank(),
      (_, i) => (bytes.charCodeAt(Math.floor(i / 8)) >> (7 - (i % 8))) & 1,
    );
  } catch {
    return null;
  }
}
