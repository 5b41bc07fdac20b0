// Attention weights: one row per head or cycle, in the columns of the grid.

import type { Shares } from '../grid';
import type { GridLayout } from './grid';
import type { Colour } from '../../../ui/draw/paint';

export interface AttentionRow extends Shares {
  readonly name: string;
}

const ROW = 24;
const HEAD = 26;
const GAP = 3;
/** Width of what lies before the columns that are shown. */
const EARLIER = 9;

export function attentionHeight(rows: number): number {
  return HEAD + rows * ROW;
}

/** `glyphs`: the character of each column; `from`: the attending column. */
export function drawAttention(
  ctx: CanvasRenderingContext2D,
  rows: readonly AttentionRow[],
  glyphs: readonly string[],
  from: number,
  { cell, gutter }: GridLayout,
  colour: Colour,
): void {
  ctx.textBaseline = 'middle';
  glyphs.forEach((glyph, i) => {
    ctx.textAlign = 'center';
    ctx.font = `${i === from ? 700 : 400} 15px ui-monospace, "SF Mono", Menlo, Consolas, monospace`;
    ctx.fillStyle = colour(i === from ? '--ink' : '--soft');
    ctx.fillText(glyph, gutter + i * cell + (cell - GAP) / 2, HEAD / 2);
  });
  ctx.fillStyle = colour('--soft');
  ctx.fillText('…', gutter - EARLIER / 2 - GAP, HEAD / 2);
  rows.forEach(({ name, earlier, shown }, k) => {
    const y = HEAD + k * ROW;
    ctx.textAlign = 'left';
    ctx.font = '13px system-ui, sans-serif';
    ctx.fillStyle = colour('--soft');
    ctx.fillText(name, 4, y + ROW / 2);
    bar(ctx, gutter - EARLIER - GAP, y, EARLIER, earlier, colour);
    shown.forEach((share, i) => {
      if (i <= from) bar(ctx, gutter + i * cell, y, cell - GAP, share, colour);
    });
  });
}

/** A vertical bar: lengths are easier to compare than shades. */
function bar(
  ctx: CanvasRenderingContext2D,
  x: number,
  y: number,
  width: number,
  share: number,
  colour: Colour,
): void {
  const height = ROW - 5;
  ctx.fillStyle = colour('--paper');
  ctx.fillRect(x, y + 2, width, height);
  ctx.fillStyle = colour('--depth-2');
  const filled = Math.max(share > 0.005 ? 1 : 0, height * share);
  ctx.fillRect(x, y + 2 + height - filled, width, filled);
}
