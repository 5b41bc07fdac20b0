// Pictures that were dropped, pasted or chosen, as pixels of a bounded size.

export interface Picture {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  /** Red, green, blue and opacity of each pixel, row by row. */
  readonly rgba: Uint8Array;
}

/** Longest side that is sent to the model, in pixels. */
const LONGEST = 512;

/** Why a file is no picture for this page. */
export class PictureError extends Error {
  constructor(
    message: string,
    readonly hint: string,
  ) {
    super(message);
  }
}

/** Decodes a file. Throws a `PictureError` where the browser cannot. */
export async function readPicture(file: File): Promise<Picture> {
  const name = file.name || 'picture';
  if (!looksLikePicture(file)) {
    throw new PictureError(
      `“${name}” is neither a picture nor a checkpoint (.safetensors).`,
      'Use a PNG, JPEG, WebP or GIF file.',
    );
  }
  let decoded: ImageBitmap;
  try {
    decoded = await createImageBitmap(file);
  } catch {
    throw new PictureError(
      `This browser cannot decode “${name}”.`,
      'Convert it to PNG or JPEG and try again.',
    );
  }
  const { width, height } = scaled(decoded.width, decoded.height);
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [width, height];
  const ctx = canvas.getContext('2d', { willReadFrequently: true });
  if (!ctx) throw new PictureError('This browser has no canvas.', 'Use a current browser.');
  ctx.imageSmoothingQuality = 'high';
  ctx.drawImage(decoded, 0, 0, width, height);
  decoded.close();
  const { data } = ctx.getImageData(0, 0, width, height);
  return { name, width, height, rgba: new Uint8Array(data.buffer) };
}

const ENDING = /\.(png|jpe?g|gif|webp|avif|bmp|ico|svg|heic|heif|tiff?|jxl)$/i;

export function looksLikePicture({ name, type }: Pick<File, 'name' | 'type'>): boolean {
  return type.startsWith('image/') || ENDING.test(name);
}

/** A size with the same shape whose longer side is at most `longest`. */
export function scaled(
  width: number,
  height: number,
  longest = LONGEST,
): { width: number; height: number } {
  const scale = Math.min(1, longest / Math.max(width, height));
  const to = (side: number) => Math.max(1, Math.round(side * scale));
  return { width: to(width), height: to(height) };
}

/** Whether a picture is bright on the whole, as ink on paper; transparent pixels are white. */
export function isBright({ rgba }: Picture): boolean {
  let sum = 0;
  for (let i = 0; i < rgba.length; i += 4) sum += luminance(rgba, i);
  return sum > (rgba.length / 4) * 127.5;
}

function luminance(rgba: Uint8Array, at: number): number {
  const [r = 0, g = 0, b = 0, a = 0] = rgba.subarray(at, at + 4);
  return 255 - ((255 - (0.299 * r + 0.587 * g + 0.114 * b)) * a) / 255;
}

/** The pixels with bright and dark exchanged, on white where they are transparent. */
export function inverted(rgba: Uint8Array): Uint8Array {
  return rgba.map((value, i) => {
    if (i % 4 === 3) return 255;
    const opacity = rgba[i - (i % 4) + 3] ?? 255;
    return ((255 - value) * opacity) / 255;
  });
}
