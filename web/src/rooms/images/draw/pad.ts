// Draws the drawing pad: white ink on black, a faint line around every block that becomes
// one pixel, and the cursor of the keyboard.

import type { Paint } from '../../../ui/draw/paint';
import { type Bitmap, SIDE } from '../bitmap';

/** A pixel of the drawing. */
export interface Pixel {
  readonly col: number;
  readonly row: number;
}

/** `blocks`: blocks in a row; 0 draws none. `cursor`: `null` where it is not needed. */
export function paintPad(bitmap: Bitmap, blocks: number, cursor: Pixel | null): Paint {
  return (ctx, width, height, colour) => {
    const [w, h] = [width / SIDE, height / SIDE];
    ctx.fillStyle = '#000';
    ctx.fillRect(0, 0, width, height);
    ctx.fillStyle = '#fff';
    bitmap.forEach((pixel, i) => {
      // A little larger, so that no line shows between two of them.
      if (pixel) ctx.fillRect((i % SIDE) * w, Math.floor(i / SIDE) * h, w + 0.5, h + 0.5);
    });
    ctx.strokeStyle = 'rgb(128 128 128 / 45%)';
    ctx.lineWidth = 1;
    for (let i = 1; i < blocks; i += 1) {
      const [x, y] = [
        Math.round((i * width) / blocks) + 0.5,
        Math.round((i * height) / blocks) + 0.5,
      ];
      line(ctx, x, 0, x, height);
      line(ctx, 0, y, width, y);
    }
    if (!cursor) return;
    ctx.lineWidth = 3;
    ctx.strokeStyle = colour('--heat');
    ctx.strokeRect((cursor.col - 1) * w, (cursor.row - 1) * h, 3 * w, 3 * h);
  };
}

function line(ctx: CanvasRenderingContext2D, x0: number, y0: number, x1: number, y1: number): void {
  ctx.beginPath();
  ctx.moveTo(x0, y0);
  ctx.lineTo(x1, y1);
  ctx.stroke();
}
