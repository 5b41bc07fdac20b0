import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { checkpoints } from '../../scripts/lib/paths.mjs';
import * as shipping from '../../scripts/lib/shipping.mjs';
import { DEFAULT_CONFIG } from '../src/gen';
import { readHeader } from '../src/run/checkpoint';
import { readManifest } from '../src/run/manifest';
import { lengthOf } from '../src/gen';

/** A checkpoint of two tensors: 6 and 4 parameters. */
function checkpoint(about: object): Buffer {
  const header = Buffer.from(
    JSON.stringify({
      __metadata__: about,
      a: { dtype: 'F16', shape: [2, 3], data_offsets: [0, 12] },
      b: { dtype: 'F16', shape: [4], data_offsets: [12, 20] },
    }),
  );
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header, Buffer.alloc(20)]);
}

const ABOUT = { format: 'trm/1', config: JSON.stringify(DEFAULT_CONFIG), step: '1750' };

const METADATA = {
  name: 'elastic',
  title: 'Elastic',
  description: 'Usable at any depth.',
  command: 'trm-native train shakespeare-elastic',
  hardware: 'two cores',
  minutes: 3.14159,
  bytes: 7e6,
  sha256: '0'.repeat(64),
  about: shipping.describe(checkpoint(ABOUT)),
  losses: [
    { depth: 1, loss: 1.681234, perplexity: 5.4, bits_per_char: 2.4 },
    { depth: 16, loss: 1.62, perplexity: 5, bits_per_char: 2.3 },
  ],
};

test('a checkpoint says what it is', () => {
  expect(METADATA.about).toEqual({
    config: DEFAULT_CONFIG,
    step: 1750,
    parameters: 10,
    base: null,
  });
  const whole = checkpoint(ABOUT);
  expect(() => shipping.describe(whole.subarray(0, 40))).toThrow('complete safetensors');
  expect(() => shipping.describe(Buffer.alloc(3))).toThrow('complete safetensors');
  expect(() => shipping.describe(checkpoint({ format: 'pt' }))).toThrow('not a checkpoint');
});

test('a frozen base is named where it comes with the page', () => {
  const base = { name: 'base.safetensors', sha256: '0'.repeat(64) };
  const listed = (model: object) => {
    const config = { ...DEFAULT_CONFIG, model: { ...DEFAULT_CONFIG.model, ...model } };
    return shipping.entry({ ...METADATA, about: { ...METADATA.about, config, base } });
  };
  expect(listed({ image_size: 28 }).base).toBe('base.safetensors');
  // A language model is opened by the visitor.
  expect(listed({ supervision_steps: 2 })).not.toHaveProperty('base');
});

test('the time is that of the steps up to the checkpoint', () => {
  const { train, model } = DEFAULT_CONFIG;
  const each = train.batch_size * lengthOf(model);
  const lines = [
    { step: 100, loss: 3, tokens_per_second: each * 10 },
    { step: 100, val_loss: 3, depth: 2 },
    { step: 300, loss: 2, tokens_per_second: each * 5 },
    { step: 400, loss: 2, tokens_per_second: each },
  ];
  const metrics = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
  // 100 steps at 10 a second, 200 at 5.
  expect(shipping.minutesOf(metrics, DEFAULT_CONFIG, 300)).toBeCloseTo(50 / 60);
  const twice = { ...DEFAULT_CONFIG, train: { ...train, gradient_accumulation_steps: 2 } };
  expect(shipping.minutesOf(metrics, twice, 300)).toBeCloseTo(100 / 60);
  expect(shipping.minutesOf('', DEFAULT_CONFIG, 300)).toBeNull();
});

describe('an entry', () => {
  test('is one that the page reads', () => {
    const made = shipping.entry(METADATA);
    const { first } = readManifest(JSON.parse(JSON.stringify(shipping.withEntry(null, made))));
    expect(first).toEqual(made);
    expect(first).toMatchObject({
      file: 'elastic.safetensors',
      seed: DEFAULT_CONFIG.train.seed,
      minutes: 3.14,
      losses: [
        { depth: 1, loss: 1.6812 },
        { depth: 16, loss: 1.62 },
      ],
    });
  });

  test.each([
    ['a file that is too large', { bytes: 8e6 + 1 }, 'at most 8 MB'],
    ['a name that no address can hold', { name: 'My model' }, 'cannot be a name'],
    ['no title', { title: undefined }, '--title'],
    ['an empty command', { command: '' }, '--command'],
    ['no time', { minutes: null }, '--minutes'],
  ])('with %s is refused', (_, change, message) => {
    expect(() => shipping.entry({ ...METADATA, ...change })).toThrow(message);
  });

  test('takes the place of the one of its name, and keeps what the page opens with', () => {
    const named = (name: string, title = name) => shipping.entry({ ...METADATA, name, title });
    const read = (manifest: unknown) => {
      const { first, checkpoints } = readManifest(manifest);
      return [first.name, checkpoints.map((each) => each.title)];
    };
    const one = shipping.withEntry(null, named('best'));
    const two = shipping.withEntry(one, named('another'));
    expect(read(two)).toEqual(['best', ['another', 'best']]);
    expect(read(shipping.withEntry(two, named('best', 'Better')))).toEqual([
      'best',
      ['another', 'Better'],
    ]);
    expect(read(shipping.withEntry(two, named('another'), true))[0]).toBe('another');
  });
});

const manifest = join(checkpoints, 'manifest.json');

test.runIf(existsSync(manifest))('what is shipped is what the manifest says', () => {
  const listed = readManifest(JSON.parse(readFileSync(manifest, 'utf8'))).checkpoints;
  for (const { file, bytes, sha256, config, step, parameters } of listed) {
    const content = readFileSync(join(checkpoints, file));
    expect(content.length, file).toBe(bytes);
    expect(bytes, file).toBeLessThanOrEqual(shipping.LARGEST);
    expect(createHash('sha256').update(content).digest('hex'), file).toBe(sha256);
    const about = shipping.describe(content);
    expect([about.step, about.parameters], file).toEqual([step, parameters]);
    // A setting that is younger than the file has its default; a model may have had another name.
    expect(config, file).toMatchObject({ ...readHeader(content)?.config });
    expect(readHeader(content)?.variant, file).toBe(config.model.variant);
  }
});

test('what a solver is worth comes with it, and is read back', () => {
  const share = { cell_accuracy: 0.98765432, exact_accuracy: 0.9 };
  const scores = {
    puzzles: 500,
    steps: [{ step: 1, loss: 0.25, ...share }],
    halting: [{ threshold: 0.5, steps: 1.25, ...share }],
  };
  const made = shipping.entry({ ...METADATA, scores });
  const { first } = readManifest(JSON.parse(JSON.stringify(shipping.withEntry(null, made))));
  expect(first.scores?.steps).toEqual([{ ...scores.steps[0], cell_accuracy: 0.9877 }]);
  expect(first.scores?.halting[0]).toMatchObject({ threshold: 0.5, steps: 1.25 });
  const broken = { ...made, scores: { ...scores, steps: [{ step: 1 }] } };
  const list = shipping.withEntry(null, broken);
  expect(() => readManifest(list)).toThrow('“loss” is not a number');
});
