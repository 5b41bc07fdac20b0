// PNG files: reading screenshots, reducing them to a palette, and writing them as
// one image or as an animation (APNG).
//
// Reads what browsers write: 8 bits per channel, RGB or RGBA, not interlaced.
// Formats: https://www.w3.org/TR/png-3/ (PNG and APNG).

import { deflateSync, inflateSync } from "node:zlib";

import { UserError } from "./terminal.mjs";

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

/** `{ width, height, pixels }`; pixels are one number 0xRRGGBB each, row by row. */
export function decode(file) {
  if (!file.subarray(0, 8).equals(SIGNATURE)) throw new UserError("This is not a PNG file.");
  let header;
  const data = [];
  for (let at = 8; at < file.length;) {
    const length = file.readUInt32BE(at);
    const type = file.toString("latin1", at + 4, at + 8);
    const body = file.subarray(at + 8, at + 8 + length);
    if (type === "IHDR") header = body;
    if (type === "IDAT") data.push(body);
    at += 12 + length;
  }
  const [width, height] = [header.readUInt32BE(0), header.readUInt32BE(4)];
  const [depth, colour, , , interlace] = header.subarray(8);
  const channels = { 2: 3, 6: 4 }[colour];
  if (depth !== 8 || !channels || interlace) {
    throw new UserError(`PNG with depth ${depth}, colour type ${colour}, interlace ${interlace} is not supported.`);
  }
  const bytes = unfilter(inflateSync(Buffer.concat(data)), width * channels, height, channels);
  const pixels = new Uint32Array(width * height);
  for (let i = 0; i < pixels.length; i++) {
    const at = i * channels;
    pixels[i] = (bytes[at] << 16) | (bytes[at + 1] << 8) | bytes[at + 2];
  }
  return { width, height, pixels };
}

/** Undoes the row filters (PNG, section 9). */
function unfilter(rows, stride, height, channels) {
  const out = new Uint8Array(stride * height);
  for (let y = 0; y < height; y++) {
    const filter = rows[y * (stride + 1)];
    for (let x = 0; x < stride; x++) {
      const left = x >= channels ? out[y * stride + x - channels] : 0;
      const up = y ? out[(y - 1) * stride + x] : 0;
      const corner = y && x >= channels ? out[(y - 1) * stride + x - channels] : 0;
      out[y * stride + x] = rows[y * (stride + 1) + 1 + x] + predict(filter, left, up, corner);
    }
  }
  return out;
}

function predict(filter, left, up, corner) {
  switch (filter) {
    case 1:
      return left;
    case 2:
      return up;
    case 3:
      return (left + up) >> 1;
    case 4:
      return paeth(left, up, corner);
    default:
      return 0;
  }
}

function paeth(left, up, corner) {
  const a = Math.abs(up - corner);
  const b = Math.abs(left - corner);
  const c = Math.abs(left + up - 2 * corner);
  if (a <= b && a <= c) return left;
  return b <= c ? up : corner;
}

const channel = (colour, shift) => (colour >> shift) & 255;

/**
 * A palette of at most `most` colours for `images` (median cut over all of their
 * pixels), and each image as indices into it.
 */
export function reduce(images, most) {
  const counts = new Map();
  for (const { pixels } of images) for (const pixel of pixels) counts.set(pixel, (counts.get(pixel) ?? 0) + 1);
  let boxes = [[...counts]];
  while (boxes.length < most) {
    const widest = boxes.filter((box) => box.length > 1).sort((a, b) => spread(b).weight - spread(a).weight)[0];
    if (!widest) break;
    boxes = [...boxes.filter((box) => box !== widest), ...split(widest)];
  }
  const indices = new Map();
  const palette = boxes.map((box, index) => {
    for (const [colour] of box) indices.set(colour, index);
    return mean(box);
  });
  const reduced = images.map(({ width, height, pixels }) => ({
    width,
    height,
    indices: Uint8Array.from(pixels, (pixel) => indices.get(pixel)),
  }));
  return { palette, images: reduced };
}

/** Cached, since a box is looked at in every round. */
const spreads = new WeakMap();

/** The channel in which a box of colours is widest, and how urgent its division is. */
function spread(box) {
  if (!spreads.has(box)) {
    const ranges = [16, 8, 0].map((shift) => {
      let [low, high] = [255, 0];
      for (const [colour] of box) {
        const value = channel(colour, shift);
        low = Math.min(low, value);
        high = Math.max(high, value);
      }
      return { shift, range: high - low };
    });
    const { shift, range } = ranges.sort((a, b) => b.range - a.range)[0];
    const pixels = box.reduce((sum, [, count]) => sum + count, 0);
    spreads.set(box, { shift, weight: range * range * Math.sqrt(pixels) });
  }
  return spreads.get(box);
}

/** Two boxes with about the same number of pixels each. */
function split(box) {
  const { shift } = spread(box);
  const sorted = [...box].sort(([a], [b]) => channel(a, shift) - channel(b, shift));
  const half = sorted.reduce((sum, [, count]) => sum + count, 0) / 2;
  let [at, seen] = [0, 0];
  while (at < sorted.length - 1 && seen < half) seen += sorted[at++][1];
  at = Math.max(at, 1);
  return [sorted.slice(0, at), sorted.slice(at)];
}

function mean(box) {
  const total = box.reduce((sum, [, count]) => sum + count, 0);
  const average = (shift) =>
    Math.round(box.reduce((sum, [colour, count]) => sum + count * channel(colour, shift), 0) / total);
  return (average(16) << 16) | (average(8) << 8) | average(0);
}

/** An image of indices as a PNG file. */
export function encode(palette, { width, height, indices }) {
  return file([
    header(width, height),
    chunk("PLTE", colours(palette)),
    chunk("IDAT", rows(indices, width, height)),
    chunk("IEND"),
  ]);
}

/**
 * Images of one size as an animated PNG that repeats for ever. A frame stores only
 * the rectangle that differs from the frame before; what is equal within it is
 * transparent, which compresses well. The palette may have at most 255 colours.
 */
export function animate(palette, images, milliseconds) {
  const [{ width, height }] = images;
  const clear = palette.length;
  if (clear > 255) throw new UserError("An animation needs one of the 256 colours for transparency.");
  const chunks = [
    header(width, height),
    chunk("acTL", numbers(images.length, 0)),
    chunk("PLTE", colours([...palette, 0])),
    chunk("tRNS", Buffer.from([...palette.map(() => 255), 0])),
  ];
  let sequence = 0;
  images.forEach(({ indices }, i) => {
    const part = i ? difference(images[i - 1].indices, indices, width, clear) : { x: 0, y: 0, width, height, indices };
    const place = numbers(sequence++, part.width, part.height, part.x, part.y);
    // Delay as a fraction of a second; keep the frame afterwards; draw over it.
    const rest = Buffer.from([milliseconds >> 8, milliseconds & 255, 1000 >> 8, 1000 & 255, 0, i ? 1 : 0]);
    chunks.push(chunk("fcTL", Buffer.concat([place, rest])));
    const data = rows(part.indices, part.width, part.height);
    chunks.push(i ? chunk("fdAT", Buffer.concat([numbers(sequence++), data])) : chunk("IDAT", data));
  });
  return file([...chunks, chunk("IEND")]);
}

/** The smallest rectangle that holds all changes, with `clear` where nothing changed. */
function difference(before, after, width, clear) {
  let [left, right, top, bottom] = [width, -1, Infinity, -1];
  for (let i = 0; i < after.length; i++) {
    if (before[i] === after[i]) continue;
    const [x, y] = [i % width, Math.floor(i / width)];
    left = Math.min(left, x);
    right = Math.max(right, x);
    top = Math.min(top, y);
    bottom = y;
  }
  // A frame without a change is one transparent pixel.
  if (bottom < 0) return { x: 0, y: 0, width: 1, height: 1, indices: Uint8Array.of(clear) };
  const part = { x: left, y: top, width: right - left + 1, height: bottom - top + 1 };
  const indices = new Uint8Array(part.width * part.height);
  for (let y = 0; y < part.height; y++) {
    for (let x = 0; x < part.width; x++) {
      const at = (top + y) * width + left + x;
      indices[y * part.width + x] = before[at] === after[at] ? clear : after[at];
    }
  }
  return { ...part, indices };
}

/** Compressed rows, each after the filter byte 0 (none), which suits palettes. */
function rows(indices, width, height) {
  const bytes = Buffer.alloc((width + 1) * height);
  for (let y = 0; y < height; y++) bytes.set(indices.subarray(y * width, (y + 1) * width), y * (width + 1) + 1);
  return deflateSync(bytes, { level: 9 });
}

const numbers = (...values) => Buffer.from(Uint32Array.from(values).buffer).swap32();
const colours = (palette) =>
  Buffer.from(palette.flatMap((colour) => [16, 8, 0].map((shift) => channel(colour, shift))));
const header = (width, height) => chunk("IHDR", Buffer.concat([numbers(width, height), Buffer.from([8, 3, 0, 0, 0])]));
const file = (chunks) => Buffer.concat([SIGNATURE, ...chunks]);

function chunk(type, body = Buffer.alloc(0)) {
  const named = Buffer.concat([Buffer.from(type, "latin1"), body]);
  return Buffer.concat([numbers(body.length), named, numbers(crc32(named))]);
}

const CRC = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value;
});

function crc32(bytes) {
  let value = 0xffffffff;
  for (const byte of bytes) value = CRC[(value ^ byte) & 255] ^ (value >>> 8);
  return (value ^ 0xffffffff) >>> 0;
}
