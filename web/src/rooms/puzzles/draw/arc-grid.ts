// A grid of ARC's ten colours, with what changed in it and, where there is room, the
// colours' numbers.

import { colsOf, type Grid, isChanged } from '../arc';
import type { Colour } from '../../../ui/draw/paint';

export interface Cells {
  readonly grid: Grid;
  /** The grid of the previous step, to mark changes. */
  readonly before: Grid | null;
  readonly numbers: boolean;
}

/** Numbers in smaller cells could not be read. */
const READABLE = 12;
/** Colours on which a dark number would not be seen. */
const DARK: ReadonlySet<number> = new Set([0, 1, 9]);

export function drawCells(
  ctx: CanvasRenderingContext2D,
  { grid, before, numbers }: Cells,
  width: number,
  height: number,
  colour: Colour,
): void {
  const [rows, cols] = [grid.length, colsOf(grid)];
  if (rows === 0 || cols === 0) return;
  const [w, h] = [width / cols, height / rows];
  const size = Math.min(w, h);
  ctx.font = `600 ${Math.min(16, 0.6 * size)}px system-ui, sans-serif`;
  ctx.textAlign = 'center';
  ctx.textBaseline = 'middle';
  grid.forEach((line, row) => {
    line.forEach((cell, col) => {
      const [x, y] = [col * w, row * h];
      ctx.fillStyle = colour(`--arc-${cell}`);
      ctx.fillRect(x, y, w, h);
      if (isChanged(before, grid, row, col)) fold(ctx, x + w, y, 0.42 * size);
      if (!numbers || size < READABLE) return;
      ctx.fillStyle = DARK.has(cell) ? 'white' : 'black';
      ctx.fillText(String(cell), x + w / 2, y + h / 2 + 0.5);
    });
  });
  ctx.strokeStyle = colour('--arc-line');
  ctx.lineWidth = 1;
  ctx.beginPath();
  // Half a pixel in, so that the outermost lines are whole.
  const within = (at: number, end: number) =>
    Math.min(end - 0.5, Math.max(0.5, Math.round(at) + 0.5));
  for (let col = 0; col <= cols; col += 1) {
    ctx.moveTo(within(col * w, width), 0);
    ctx.lineTo(within(col * w, width), height);
  }
  for (let row = 0; row <= rows; row += 1) {
    ctx.moveTo(0, within(row * h, height));
    ctx.lineTo(width, within(row * h, height));
  }
  ctx.stroke();
}

/** A corner that is folded, as on the boards: white with a dark edge, to be seen on every colour. */
function fold(ctx: CanvasRenderingContext2D, right: number, top: number, size: number): void {
  ctx.beginPath();
  ctx.moveTo(right - size, top);
  ctx.lineTo(right, top);
  ctx.lineTo(right, top + size);
  ctx.closePath();
  ctx.fillStyle = 'white';
  ctx.fill();
  ctx.strokeStyle = 'black';
  ctx.lineWidth = 1;
  ctx.stroke();
}
