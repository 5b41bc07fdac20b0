import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import type { ClassStep } from '../src/gen';
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
import { fitsTable, imagesOf, pairsOf, rowsOf, samePair } from '../src/rooms/images/confusion';
import { countOf } from '../src/rooms/images/count';
import { DIGITS, fitted, MNIST } from '../src/rooms/images/fitting';
import { inverted, isBright, looksLikePicture, scaled } from '../src/rooms/images/picture';
import { requestOf } from '../src/rooms/images/request';
import {
  accuracyAt,
  bestOf,
  byStep,
  floorOf,
  learned,
  learnedFirst,
} from '../src/rooms/images/scores';
import { readsDigits, shapeOf } from '../src/rooms/images/shape';
import {
  barsAt,
  className,
  columnsOf,
  heatOf,
  overlaysOf,
  shownClasses,
} from '../src/rooms/images/steps';
import { DEFAULT_LOOK, readImages, writeImages } from '../src/rooms/images/url';
import { aboutHeat, aboutSubject, flips, verdict } from '../src/rooms/images/words';
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

/** A step with these probabilities of the classes. */
function step(at: number, prob: number[], more: Partial<ClassStep> = {}): ClassStep {
  const argmax = prob.indexOf(Math.max(...prob));
  return { step: at, argmax, prob, logits: prob, moved: [], attention: [], ...more };
}

describe('a classification', () => {
  const image = { size: 2, channels: 1, pixels: new Uint8Array(4), label: 2 };
  const steps = [
    step(1, [0.5, 0.3, 0.2], { moved: [0.1, 0.4, 0.2, 0] }),
    step(2, [0.2, 0.3, 0.5]),
    step(3, [0.1, 0.1, 0.8]),
  ];
  const vocab = { kind: 'classes', names: ['zero', 'one', 'two'] } as const;
  const names = { kind: vocab.kind, names: [...vocab.names] };

  test('has a column for each step, with its flips', () => {
    const columns = columnsOf({ steps });
    expect(columns.map(({ top, prob, flipped }) => [top, prob, flipped])).toEqual([
      [0, 0.5, false],
      [2, 0.5, true],
      [2, 0.8, false],
    ]);
    expect(columns[0]?.bars).toEqual([0.5, 0.3, 0.2]);
  });

  test('shows all of a few classes, and the most probable of many', () => {
    expect(shownClasses({ steps })).toEqual([0, 1, 2]);
    expect(shownClasses({ steps: [] })).toEqual([]);
    const many = Array.from({ length: 100 }, (_, i) => (i % 10 === 3 ? 0.05 : 0.001));
    expect(shownClasses({ steps: [step(1, many)] })).toEqual([
      3, 13, 23, 33, 43, 53, 63, 73, 83, 93,
    ]);
  });

  test('lists the classes of a step, with their change', () => {
    expect(barsAt({ steps }, 1, 2)).toEqual([
      { index: 0, prob: 0.5, change: null },
      { index: 1, prob: 0.3, change: null },
    ]);
    const [best] = barsAt({ steps }, 3, 1);
    expect(best?.change).toBeCloseTo(0.3);
    expect(barsAt({ steps }, 9, 2)).toEqual([]);
  });

  test('lays over the picture what a model has', () => {
    expect(overlaysOf(steps[0])).toEqual(['none', 'moved']);
    expect(overlaysOf(step(1, [1], { attention: [1] }))).toEqual(['none', 'attention']);
    expect(overlaysOf(undefined)).toEqual(['none']);
    const heat = heatOf(steps[0], 'moved');
    expect(heat?.shares.map((share) => +share.toFixed(6))).toEqual([0.25, 1, 0.5, 0]);
    expect(heatOf(step(1, [1], { moved: [2, 3, 4, 2] }), 'moved')?.shares).toEqual([0, 0.5, 1, 0]);
    expect(heat).toMatchObject({ side: 2, strongest: { row: 0, col: 1, value: 0.4 } });
    expect(heatOf(steps[0], 'none')).toBeNull();
    expect(heatOf(steps[0], 'attention')).toBeNull();
    expect(heatOf(step(1, [1], { moved: [0, 0, 0, 0] }), 'moved')?.shares).toEqual([0, 0, 0, 0]);
    expect(heatOf(step(1, [1], { moved: [1, 2] }), 'moved')).toBeNull();
  });

  test('is told in words', () => {
    expect(className(names, 1)).toBe('one');
    expect(className(undefined, 5)).toBe('5');
    expect(verdict({ image, steps }, 1, names)).toBe(
      'After outer step 1 of 3: zero (50 %); right is two.',
    );
    expect(verdict({ image, steps }, 3, names)).toBe(
      'After outer step 3 of 3: two (80 %), which is right.',
    );
    const unknown = { image: { ...image, label: null }, steps: [step(1, [1, 0])] };
    expect(verdict(unknown, 1, names)).toBe('Answer: zero (100 %).');
    expect(flips({ image, steps })).toBe('The answer changes in outer step 2.');
    expect(flips({ image, steps: steps.slice(1) })).toContain('stays the same');
    expect(flips(unknown)).toBe('This model answers in one step.');
  });

  test('says what its patches show', () => {
    const heat = { shares: [0, 1], side: 1, strongest: { row: 2, col: 0, value: 0.25 } };
    expect(aboutHeat(heat, 'moved', 2, 3)).toBe(
      'Change of each patch’s answer state in outer step 2; most in row 3, column 1 (0.25 RMS).',
    );
    expect(aboutHeat(heat, 'attention', 1, 1)).toBe(
      'Attention of the class token; most to the patch in row 3, column 1 (25 %).',
    );
  });

  test('says where its image comes from', () => {
    const shape = { size: 8, channels: 1, inner: 6, outer: 4 };
    const stored = { kind: 'stored', split: 'test', index: 12 } as const;
    expect(aboutSubject(stored, shape, 360)).toBe('Test image 13 of 360, 8×8 pixels.');
    expect(aboutSubject(stored, shape, null)).toBe('Test image 13, 8×8 pixels.');
  });
});

describe('a confusion matrix', () => {
  const confusion = [
    [8, 2, 0],
    [0, 0, 0],
    [1, 3, 6],
  ];

  test('has rows with shares, also of classes without images', () => {
    const rows = rowsOf(confusion);
    expect(rows.map(({ images, accuracy }) => [images, accuracy])).toEqual([
      [10, 0.8],
      [0, 0],
      [10, 0.6],
    ]);
    expect(rows[0]?.cells[1]).toEqual({
      label: 0,
      predicted: 1,
      count: 2,
      right: false,
      share: 0.2,
    });
    expect(rows[2]?.cells[2]).toMatchObject({ right: true, count: 6 });
  });

  test('lists pairs, the most frequent first', () => {
    const pairs = pairsOf(confusion).map(({ label, predicted, count }) => [
      label,
      predicted,
      count,
    ]);
    expect(pairs).toEqual([
      [2, 1, 3],
      [0, 1, 2],
      [2, 0, 1],
    ]);
    expect(fitsTable(confusion)).toBe(true);
    expect(fitsTable(new Array(100))).toBe(false);
  });

  test('leads to the images of a cell', () => {
    const mistakes = [
      { index: 4, label: 0, predicted: 1 },
      { index: 9, label: 2, predicted: 1 },
      { index: 30, label: 0, predicted: 1 },
    ];
    expect(imagesOf(mistakes, { label: 0, predicted: 1 })).toEqual([4, 30]);
    expect(imagesOf(mistakes, { label: 1, predicted: 0 })).toEqual([]);
    expect(samePair({ label: 0, predicted: 1 }, { label: 0, predicted: 1 })).toBe(true);
    expect(samePair(null, { label: 0, predicted: 1 })).toBe(false);
    expect(samePair(null, null)).toBe(true);
  });
});

describe('accuracies', () => {
  const row = (step: number, top1: number) => ({ step, top1, top5: 1, loss: 1 - top1 });

  test('are lines by training step and by outer step', () => {
    const scored = [
      { step: 0, images: 9, steps: [row(1, 0.1), row(2, 0.12)] },
      { step: 100, images: 9, steps: [row(1, 0.5), row(2, 0.9)] },
    ];
    expect(learned(scored)).toEqual([
      { x: 0, y: 0.12 },
      { x: 100, y: 0.9 },
    ]);
    expect(learnedFirst(scored).map(({ y }) => y)).toEqual([0.1, 0.5]);
    expect(byStep(scored[1]?.steps ?? [])).toEqual([
      { x: 1, y: 0.5 },
      { x: 2, y: 0.9 },
    ]);
  });

  test('have an axis that begins below the lowest', () => {
    const floor = (...ys: number[]) => floorOf(ys.map((y, x) => ({ x, y })));
    expect([floor(0.97, 0.98), floor(0.8), floor(0.6, 1), floor(0.2, 0.99), floor()]).toEqual([
      ...[0.9, 0.75, 0.5],
      ...[0, 0.9],
    ]);
  });

  test('are named at an outer step, or at the last', () => {
    const steps = [row(1, 0.5), row(2, 0.9), row(3, 0.4)];
    expect([1, 2, 9].map((at) => accuracyAt({ steps }, at))).toEqual([0.5, 0.9, 0.4]);
  });

  test('have a best step, the first of equal ones', () => {
    expect(bestOf([row(1, 0.5), row(2, 0.9), row(3, 0.9)])?.step).toBe(2);
    expect(bestOf([])).toBeNull();
  });
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
  });

  test('holds changed settings of the run', () => {
    const wide = { ...config, model: { ...config.model, hidden_size: 96 } };
    const read = readImages(writeImages({ ...page, config: wide }));
    expect(read.config.model).toMatchObject({ hidden_size: 96, variant: 'trm_vit' });
  });

  test('that is wrong is told, and the rest is used', () => {
    const read = readImages(
      '?image=0&inner=13&outer=two&at=-1&split=all&overlay=x&drawing=abc&fit=0&what=1',
    );
    expect(read.problems).toHaveLength(8);
    expect(read.image).toEqual({ fit: false, bitmap: null, split: 'test', index: null });
    expect(read.look).toEqual(DEFAULT_LOOK);
  });
});
