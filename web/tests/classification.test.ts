import { describe, expect, test } from 'vitest';
import type { ClassStep } from '../src/gen';
import { fitsTable, imagesOf, pairsOf, rowsOf, samePair } from '../src/rooms/images/confusion';
import {
  accuracyAt,
  bestOf,
  byStep,
  floorOf,
  learned,
  learnedFirst,
} from '../src/rooms/images/scores';
import {
  barsAt,
  className,
  columnsOf,
  heatOf,
  overlaysOf,
  shownClasses,
  tellsDigits,
} from '../src/rooms/images/steps';
import { aboutHeat, aboutSubject, flips, verdict } from '../src/rooms/images/words';

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
    expect([names, undefined].map(tellsDigits)).toEqual([false, true]);
    expect(verdict({ image, steps }, 1, names)).toBe(
      'After outer step 1 of 3: zero (50 %); the correct class is two.',
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
    expect(aboutSubject({ ...stored, index: 4_999 }, shape, 360)).toBe(
      'Test image 5,000 (there are 360), 8×8 pixels.',
    );
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
