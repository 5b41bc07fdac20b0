// A drawing as an image on the clipboard, or several as an animation in a file.

import type { Paint } from './draw/paint';

export interface Drawing {
  readonly width: number;
  readonly height: number;
  /** One after another, for the animation; the last one is the image. */
  readonly frames: readonly Paint[];
}

/** Pixels of the image for each of the drawing. */
const SCALE = 2;
/** Milliseconds on each frame of an animation, and on the last. */
const BEAT = 600;
const END = 2400;

function canvasOf({ width, height }: Drawing, paint: Paint, scale: number): HTMLCanvasElement {
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [width * scale, height * scale];
  const ctx = canvas.getContext('2d', { willReadFrequently: true });
  if (!ctx) throw new Error('the browser cannot draw');
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string) => style.getPropertyValue(name).trim();
  ctx.scale(scale, scale);
  ctx.fillStyle = colour('--card');
  ctx.fillRect(0, 0, width, height);
  paint(ctx, width, height, colour);
  return canvas;
}

function png(drawing: Drawing): Promise<Blob> {
  const last = drawing.frames.at(-1);
  if (!last) return Promise.reject(new Error('there is nothing to draw'));
  return new Promise((resolve, reject) => {
    const done = (blob: Blob | null) =>
      blob ? resolve(blob) : reject(new Error('the browser makes no image'));
    canvasOf(drawing, last, SCALE).toBlob(done, 'image/png');
  });
}

/** Copies the last frame; where that is forbidden it is saved. Says which. */
export async function copyImage(drawing: Drawing, name: string): Promise<string> {
  try {
    await navigator.clipboard.write([new ClipboardItem({ 'image/png': png(drawing) })]);
    return 'Copied.';
  } catch {
    save(await png(drawing), `${name}.png`);
    return 'The browser does not let the page copy an image, so it was saved.';
  }
}

/** Saves all frames as an animation. */
export async function saveGif(drawing: Drawing, name: string): Promise<string> {
  const { applyPalette, GIFEncoder, quantize } = await import('gifenc');
  const gif = GIFEncoder();
  for (const [i, paint] of drawing.frames.entries()) {
    const { width, height } = canvasOf(drawing, paint, 1);
    const pixels = canvasOf(drawing, paint, 1).getContext('2d')?.getImageData(0, 0, width, height);
    if (!pixels) continue;
    const palette = quantize(pixels.data, 256);
    const delay = i === drawing.frames.length - 1 ? END : BEAT;
    gif.writeFrame(applyPalette(pixels.data, palette), width, height, { palette, delay });
  }
  gif.finish();
  save(new Blob([new Uint8Array(gif.bytes())], { type: 'image/gif' }), `${name}.gif`);
  return 'Saved.';
}

function save(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement('a');
  [link.href, link.download] = [url, name];
  link.click();
  URL.revokeObjectURL(url);
}
