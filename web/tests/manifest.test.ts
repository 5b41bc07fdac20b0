import { describe, expect, test } from 'vitest';

import { depthPoints, MARGIN } from '../src/rooms/language/draw/depths';
import { DEFAULT_CONFIG } from '../src/gen';
import { readManifest } from '../src/run/manifest';

const ENTRY = {
  name: 'elastic',
  title: 'Elastic',
  file: 'elastic.safetensors',
  bytes: 1234,
  sha256: 'a'.repeat(64),
  description: 'Usable at any depth.',
  variant: 'chat_trm',
  dataset: 'shakespeare',
  parameters: 500_000,
  config: DEFAULT_CONFIG,
  command: 'trm-native train shakespeare-elastic',
  seed: 1337,
  hardware: 'two cores',
  minutes: 3.5,
  step: 2000,
  losses: [
    { depth: 1, loss: 1.68 },
    { depth: 8, loss: 1.62 },
  ],
};

function manifest(changes: object = {}, around: object = {}): unknown {
  const checkpoints = [{ ...ENTRY, ...changes }];
  const document = { format: 'trm-checkpoints/1', default: 'elastic', checkpoints, ...around };
  // As it comes from a file.
  return JSON.parse(JSON.stringify(document));
}

describe('the manifest', () => {
  test('is read whole', () => {
    const { first, checkpoints } = readManifest(manifest());
    expect(first).toEqual(ENTRY);
    expect(checkpoints).toEqual([first]);
  });

  test('may have the scores of an image classifier, and a frozen base', () => {
    const scores = {
      split: 'test',
      images: 360,
      steps: [{ step: 1, loss: 1, top1: 0.9, top5: 1 }],
    };
    const base = 'vit-tiny.safetensors';
    const { images, ...first } = readManifest(manifest({ scores, base })).first;
    expect(images).toEqual({ images: 360, steps: scores.steps });
    expect(first).toMatchObject({ base });
    expect(first.scores).toBeUndefined();
  });

  test('may be of before a setting was there', () => {
    const model = { ...DEFAULT_CONFIG.model, dropout: undefined };
    const { first } = readManifest(manifest({ config: { ...DEFAULT_CONFIG, model } }));
    expect(first.config).toEqual(DEFAULT_CONFIG);
  });

  test.each([
    ['nothing', null, 'not a JSON object'],
    ['a list', [], 'not a JSON object'],
    ['another format', manifest({}, { format: 'trm-checkpoints/2' }), 'trm-checkpoints/2'],
    ['no checkpoints', manifest({}, { checkpoints: [] }), 'checkpoints'],
    ['an entry that is none', manifest({}, { checkpoints: ['elastic'] }), 'checkpoint 1'],
    ['a default that is not there', manifest({}, { default: 'other' }), 'other'],
    ['a name twice', manifest({}, { checkpoints: [ENTRY, ENTRY] }), 'same name'],
    ['a name that no address can hold', manifest({ name: 'A model' }), 'name'],
    ['a file elsewhere', manifest({ file: '../elastic.safetensors' }), 'file'],
    ['a file on another site', manifest({ file: '//host/x.safetensors' }), 'file'],
    ['no size', manifest({ bytes: undefined }), 'bytes'],
    ['a size beyond all bounds', manifest({ bytes: 1e15 }), 'bytes'],
    ['half a digest', manifest({ sha256: 'abc' }), 'sha256'],
    ['no title', manifest({ title: '' }), 'title'],
    ['parameters in words', manifest({ parameters: 'many' }), 'parameters'],
    ['a negative time', manifest({ minutes: -1 }), 'minutes'],
    ['half a step', manifest({ step: 0.5 }), 'step'],
    ['no configuration', manifest({ config: null }), 'config'],
    ['a part of one', manifest({ config: { model: {} } }), 'config'],
    [
      'a setting of another kind',
      manifest({ config: { ...DEFAULT_CONFIG, train: { max_iters: 'soon' } } }),
      'max_iters',
    ],
    ['no losses', manifest({ losses: [] }), 'losses'],
    ['losses that are none', manifest({ losses: [1.7] }), 'losses'],
    ['a base elsewhere', manifest({ base: '../vit.safetensors' }), 'base'],
    ['accuracies that are none', manifest({ scores: { images: 9, steps: [1] } }), 'steps'],
    ['a depth of nothing', manifest({ losses: [{ depth: 0, loss: 2 }] }), 'depth'],
  ])('with %s is refused, and what is wrong is named', (_, document, named) => {
    expect(() => readManifest(document)).toThrow(named);
  });
});

describe('the figure of losses', () => {
  const losses = [1.7, 1.6, 1.65].map((loss, i) => ({ depth: i + 1, loss }));

  test('stays within its box, higher losses higher up', () => {
    const points = depthPoints(losses, 300, 100);
    expect(points.map((p) => p.x)).toEqual([MARGIN.side, 150, 300 - MARGIN.side]);
    expect(points[0]?.y).toBe(MARGIN.above);
    expect(points[1]?.y).toBe(100 - MARGIN.below);
    expect(points.map((p) => p.best)).toEqual([false, true, false]);
  });

  test('shows nearly equal losses as nearly equal', () => {
    const flat = losses.map((row) => ({ ...row, loss: 1.6 + row.depth / 1e4 }));
    const ys = depthPoints(flat, 300, 100).map((p) => p.y);
    expect(Math.max(...ys) - Math.min(...ys)).toBeLessThan(1);
  });

  test('keeps its numbers clear of the line', () => {
    const falling = [2, 1.55, 1.5, 1.49].map((loss, i) => ({ depth: i + 1, loss }));
    const [first, second, , last] = depthPoints(falling, 200, 150);
    // Before a fall there is room above; after it, the line comes from there.
    expect(first && first.label.y).toBeLessThan(first?.y ?? 0);
    expect(second && second.label.y).toBeGreaterThan(second?.y ?? 0);
    expect(last && last.label.y).toBeLessThan(last?.y ?? 0);
    // In the middle of a fall, only the side is free.
    const middle = depthPoints(
      [2, 1.5, 1].map((loss, i) => ({ depth: i + 1, loss })),
      150,
      150,
    )[1];
    expect(middle?.label.anchor).toBe('start');
  });

  test('has one depth in the middle', () => {
    expect(depthPoints(losses.slice(0, 1), 300, 100)[0]?.x).toBe(150);
  });
});
