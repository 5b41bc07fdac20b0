import { deflateSync } from 'node:zlib';

import { expect, test } from 'vitest';

import { batch } from '../../scripts/lib/cifar.mjs';

const PIXELS = 32 * 32;

/** A PNG of RGB rows, each after its filter byte. Checksums are not read. */
function png(width: number, rows: Buffer[]): Buffer {
  const chunk = (type: string, body: Buffer) => {
    const head = Buffer.alloc(8);
    head.writeUInt32BE(body.length);
    head.write(type, 4, 'latin1');
    return Buffer.concat([head, body, Buffer.alloc(4)]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width);
  header.writeUInt32BE(rows.length, 4);
  header.set([8, 2], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.concat(rows))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

test('a row of pixels becomes a label and three planes', () => {
  const first = Buffer.alloc(1 + 3 * PIXELS);
  for (let i = 0; i < PIXELS; i++) first.set([i & 255, i >> 8, 7], 1 + 3 * i);
  // The second row adds 1 to the red and 2 to the blue of the pixel above it.
  const second = Buffer.alloc(1 + 3 * PIXELS);
  second[0] = 2;
  for (let i = 0; i < PIXELS; i++) second.set([1, 0, 2], 1 + 3 * i);

  const records = batch(png(PIXELS, [first, second]), [6, 9]);

  expect(records.length).toBe(2 * 3073);
  const plane = (image: number, channel: number) =>
    records.subarray(image * 3073 + 1 + channel * PIXELS).subarray(0, PIXELS);
  expect([records[0], records[3073]]).toEqual([6, 9]);
  for (const i of [0, 1, 255, 256, 1023]) {
    expect([0, 1, 2].map((c) => plane(0, c)[i])).toEqual([i & 255, i >> 8, 7]);
    expect([0, 1, 2].map((c) => plane(1, c)[i])).toEqual([(i + 1) & 255, i >> 8, 9]);
  }
});

test('a batch needs as many labels as rows', () => {
  const row = Buffer.alloc(1 + 3 * PIXELS);
  expect(() => batch(png(PIXELS, [row]), [1, 2])).toThrow('1024 × 1 pixels for 2 labels');
});
