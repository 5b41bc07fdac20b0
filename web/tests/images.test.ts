import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PRESETS } from '../src/gen';
import {
  type Bitmap,
  blank,
  decode,
  encode,
  isBlank,
  SIDE,
  toRgba,
  withLine,
} from '../src/rooms/images/bitmap';
import { countOf } from '../src/rooms/images/count';
import { DIGITS, fitted, MNIST } from '../src/rooms/images/fitting';
import { inverted, isBright, looksLikePicture, scaled } from '../src/rooms/images/picture';
import { requestOf } from '../src/rooms/images/request';
import { readsDigits, shapeOf } from '../src/rooms/images/shape';
import { TOUR } from '../src/rooms/images/tour';
import { DEFAULT_LOOK, readImages, writeImages } from '../src/rooms/images/url';
import { preset } from '../src/run/presets';

const bitmaps = fc.uint8Array({ min: 0, max: 1, minLength: SIDE * SIDE, maxLength: SIDE * SIDE });

/** A drawing with a filled rectangle, bounds included. */
function rectangle(left: number, top: number, right: number, bottom: number): Bitmap {
  return blank().map((_, i) => {
    const [x, y] = [i % SIDE, Math.floor(i / SIDE)];
    return Number(x >= left && x <= right && y >= top && y <= bottom);
  });
}

/** The bounds of the ink, as of `rectangle`. */
function bounds(bitmap: Bitmap): number[] {
  const inked = [...bitmap.keys()].filter((i) => bitmap[i]);
  const xs = inked.map((i) => i % SIDE);
  const ys = inked.map((i) => Math.floor(i / SIDE));
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}

describe('a drawing', () => {
  test('has strokes as wide as the pen, and loses them again', () => {
    const drawn = withLine(blank(), { x: 8, y: 16 }, { x: 24, y: 16 });
    const column = Array.from({ length: SIDE }, (_, y) => drawn[y * SIDE + 16]);
    expect(column.filter((pixel) => pixel === 1).length).toBeGreaterThanOrEqual(2);
    expect(column.filter((pixel) => pixel === 1).length).toBeLessThanOrEqual(4);
    expect(bounds(drawn)[0]).toBeLessThanOrEqual(8);
    expect(bounds(drawn)[2]).toBeGreaterThanOrEqual(23);
    expect(isBlank(withLine(drawn, { x: 8, y: 16 }, { x: 24, y: 16 }, 0))).toBe(true);
    // A dot is a line of no length; outside the pad nothing is drawn.
    expect(isBlank(withLine(blank(), { x: 5, y: 5 }, { x: 5, y: 5 }))).toBe(false);
    expect(isBlank(withLine(blank(), { x: -9, y: 5 }, { x: -9, y: 9 }))).toBe(true);
  });

  test('is centred and fills the frame', () => {
    const free = { ...DIGITS, ink: null };
    expect(bounds(fitted(rectangle(2, 4, 9, 23), free))).toEqual([10, 0, 21, 31]);
    expect(bounds(fitted(rectangle(2, 4, 9, 23), MNIST))).toEqual([12, 5, 19, 26]);
    // Wide ones are made narrower, small ones are at most tripled.
    expect(bounds(fitted(rectangle(0, 0, 31, 31), free))).toEqual([4, 0, 27, 31]);
    expect(bounds(fitted(rectangle(0, 0, 3, 3), free))).toEqual([10, 10, 21, 21]);
    expect(isBlank(fitted(blank(), DIGITS))).toBe(true);
  });

  test('has as much ink as the digits of the data set', () => {
    const ink = (bitmap: Bitmap) => bitmap.reduce((sum, pixel) => sum + pixel, 0);
    const thin = rectangle(15, 2, 16, 29);
    const thick = rectangle(10, 2, 19, 29);
    expect(ink(fitted(thick, DIGITS))).toBe(DIGITS.ink);
    // A line grows by three pixels on each side.
    expect(bounds(fitted(thin, DIGITS))).toEqual([12, 0, 19, 31]);
    const drawn = withLine(
      withLine(blank(), { x: 8, y: 6 }, { x: 23, y: 6 }),
      { x: 23, y: 6 },
      { x: 14, y: 28 },
    );
    expect(ink(fitted(drawn, DIGITS))).toBe(DIGITS.ink);
  });

  test('is read back from an address', () => {
    fc.assert(
      fc.property(bitmaps, (bitmap) => {
        const text = encode(bitmap);
        expect(encodeURIComponent(text)).toBe(text);
        expect(decode(text)).toEqual(bitmap);
      }),
    );
    for (const text of ['', 'AAAA', 'no drawing', '%%%', encode(blank()) + 'AAAA']) {
      expect(decode(text), text).toBeNull();
    }
  });

  test('is white on black as a picture', () => {
    const rgba = toRgba(Uint8Array.from([0, 1]));
    expect([...rgba]).toEqual([0, 0, 0, 255, 255, 255, 255, 255]);
  });
});

describe('a picture', () => {
  test('is made smaller, never larger, and keeps its shape', () => {
    expect(scaled(300, 200)).toEqual({ width: 300, height: 200 });
    expect(scaled(4096, 1024)).toEqual({ width: 512, height: 128 });
    expect(scaled(1, 9000)).toEqual({ width: 1, height: 512 });
  });

  test('is told from other files', () => {
    expect(looksLikePicture({ name: 'a', type: 'image/heic' })).toBe(true);
    expect(looksLikePicture({ name: 'A.JPEG', type: '' })).toBe(true);
    expect(looksLikePicture({ name: 'notes.txt', type: 'text/plain' })).toBe(false);
    expect(looksLikePicture({ name: 'jpeg', type: '' })).toBe(false);
  });

  test('on paper is bright, and inverted it is dark', () => {
    const paper = Uint8Array.from([255, 255, 255, 255, 250, 250, 250, 255, 10, 10, 10, 255]);
    const of = (rgba: Uint8Array) => ({ name: '', width: rgba.length / 4, height: 1, rgba });
    expect(isBright(of(paper))).toBe(true);
    expect(isBright(of(inverted(paper)))).toBe(false);
    // Transparent is white.
    expect(isBright(of(Uint8Array.from([0, 0, 0, 0])))).toBe(true);
    expect([...inverted(Uint8Array.from([0, 0, 0, 0, 0, 0, 0, 255]))]).toEqual([
      ...[0, 0, 0, 255],
      ...[255, 255, 255, 255],
    ]);
  });
});

describe('a request', () => {
  const digits = shapeOf(PRESETS.find(({ name }) => name === 'digits')!.config.model)!;
  const mnist = { ...digits, size: 28 };
  const bitmap = rectangle(2, 4, 9, 23);

  test('of the digits holds the bitmap, as it is or fitted', () => {
    expect(readsDigits(digits)).toBe(true);
    expect(requestOf({ kind: 'drawing', bitmap, fit: false }, digits)).toEqual({
      kind: 'drawing',
      bitmap,
    });
    expect(requestOf({ kind: 'drawing', bitmap, fit: true }, digits)).toEqual({
      kind: 'drawing',
      bitmap: fitted(bitmap, DIGITS),
    });
  });

  test('of other models holds a picture of the drawing', () => {
    for (const shape of [mnist, { ...digits, channels: 3 }]) {
      const request = requestOf({ kind: 'drawing', bitmap, fit: false }, shape);
      expect(request).toEqual({ kind: 'picture', width: 32, height: 32, rgba: toRgba(bitmap) });
    }
  });

  test('of nothing is none', () => {
    expect(requestOf({ kind: 'drawing', bitmap: blank(), fit: true }, digits)).toBeNull();
  });

  test('of an image of the data names it', () => {
    const subject = { kind: 'stored', split: 'val', index: 7 } as const;
    expect(requestOf(subject, mnist)).toEqual(subject);
  });

  test('of a picture holds its pixels, inverted if asked', () => {
    const picture = { name: 'a.png', width: 1, height: 1, rgba: Uint8Array.from([9, 9, 9, 255]) };
    const sent = (invert: boolean) => requestOf({ kind: 'picture', picture, invert }, digits);
    expect(sent(false)).toEqual({ kind: 'picture', width: 1, height: 1, rgba: picture.rgba });
    expect(sent(true)).toMatchObject({ rgba: Uint8Array.from([246, 246, 246, 255]) });
  });
});

test('the images of a split are counted by asking for single ones', async () => {
  for (const count of [0, 1, 2, 3, 180, 360, 1024]) {
    let asked = 0;
    const found = await countOf((index) => {
      asked += 1;
      return Promise.resolve(index < count);
    });
    expect(found).toBe(count);
    expect(asked).toBeLessThan(24);
  }
});

describe('an address', () => {
  const config = preset('digits')!;
  const page = {
    ...({ preset: 'digits', config, origin: null, device: 'auto', software: false } as const),
    image: { fit: true, bitmap: null, split: 'test', index: 4 } as const,
    look: DEFAULT_LOOK,
    step: null,
  };

  test('without anything means the defaults', () => {
    const { explicit, image, look, step, problems } = readImages('');
    expect({ explicit, image, look, step, problems }).toEqual({
      ...{ explicit: false, step: null, problems: [], look: DEFAULT_LOOK },
      image: { fit: true, bitmap: null, split: 'test', index: null },
    });
  });

  test('holds what the page shows, and is read back', () => {
    const bitmap = rectangle(3, 3, 9, 20);
    for (const image of [
      page.image,
      { fit: true, bitmap: null, split: 'val', index: 0 } as const,
      { fit: false, bitmap, split: 'test', index: null } as const,
    ]) {
      const look = { inner: 3, outer: 12, overlay: 'attention' } as const;
      const read = readImages(writeImages({ ...page, image, look, step: 5 }));
      expect(read.problems).toEqual([]);
      expect(read).toMatchObject({ image, look, step: 5, preset: 'digits', explicit: true });
    }
    expect(writeImages(page)).toBe('?image=5&preset=digits');
    // Nothing lies over the image unless the address says so; earlier addresses may say `none`.
    const overlay = (search: string) => readImages(search).look.overlay;
    expect(['', '?overlay=none', '?overlay=moved'].map(overlay)).toEqual(['none', 'none', 'moved']);
  });

  test('holds changed settings of the run', () => {
    const wide = { ...config, model: { ...config.model, hidden_size: 96 } };
    const read = readImages(writeImages({ ...page, config: wide }));
    expect(read.config.model).toMatchObject({ hidden_size: 96, variant: 'trm_vit' });
  });

  test('that is wrong is told, and the rest is used', () => {
    const read = readImages(
      '?image=0&inner=1025&outer=two&at=-1&split=all&overlay=x&drawing=abc&fit=0&what=1',
    );
    expect(read.problems).toHaveLength(8);
    expect(read.image).toEqual({ fit: false, bitmap: null, split: 'test', index: null });
    expect(read.look).toEqual(DEFAULT_LOOK);
  });
});

test('the tour is right for images of any size', () => {
  expect(TOUR.filter(({ text }) => /\d×\d/.test(text))).toEqual([]);
});
