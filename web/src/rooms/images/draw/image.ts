// Draws an image as the model sees it, with what a step does with its patches over it.

import type { ShownImage } from '../../../gen';
import type { Paint } from '../../../ui/draw/paint';
import type { Heat } from '../steps';

/** Opacity of the strongest patch. */
const STRONGEST = 0.75;

/** Red, green, blue and opacity of each pixel. */
export function rgbaOf({ size, channels, pixels }: ShownImage): Uint8ClampedArray<ArrayBuffer> {
  const plane = size * size;
  const rgba = new Uint8ClampedArray(4 * plane).fill(255);
  for (let i = 0; i < plane; i += 1) {
    for (let c = 0; c < 3; c += 1) {
      rgba[4 * i + c] = pixels[(channels === 3 ? c * plane : 0) + i] ?? 0;
    }
  }
  return rgba;
}

export function paintImage(image: ShownImage, heat: Heat | null = null): Paint {
  let small: HTMLCanvasElement | undefined;
  return (ctx, width, height, colour) => {
    small ??= canvasOf(image);
    ctx.imageSmoothingEnabled = false;
    ctx.drawImage(small, 0, 0, width, height);
    if (heat) paintHeat(ctx, heat, width, height, colour('--heat'));
  };
}

function paintHeat(
  ctx: CanvasRenderingContext2D,
  { shares, side }: Heat,
  width: number,
  height: number,
  colour: string,
): void {
  const [w, h] = [width / side, height / side];
  const edge = (i: number) => [Math.round((i % side) * w), Math.round(Math.floor(i / side) * h)];
  ctx.fillStyle = ctx.strokeStyle = colour;
  ctx.lineWidth = 1;
  shares.forEach((share, i) => {
    const [x = 0, y = 0] = edge(i);
    ctx.globalAlpha = STRONGEST * share;
    ctx.fillRect(x, y, Math.ceil(w), Math.ceil(h));
    ctx.globalAlpha = 0.25 + 0.75 * share;
    ctx.strokeRect(x + 0.5, y + 0.5, Math.floor(w) - 1, Math.floor(h) - 1);
  });
  ctx.globalAlpha = 1;
}

function canvasOf(image: ShownImage): HTMLCanvasElement {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = image.size;
  canvas.getContext('2d')?.putImageData(new ImageData(rgbaOf(image), image.size, image.size), 0, 0);
  return canvas;
}
