// Draws the grid of guesses: positions across, cycles down.

import type { Cell, Column, Grid } from '../grid';
import { type Colour, shade, STRONG } from '../../../ui/draw/paint';

export interface GridLayout {
  readonly cell: number;
  /** Room for the names of the rows. */
  readonly gutter: number;
  /** Columns that fit. */
  readonly columns: number;
}

/** Height of the row of input characters. */
const HEAD = 28;
const NARROW = 560;
const GAP = 3;

export function layoutOf(width: number): GridLayout {
  const narrow = width < NARROW;
  const [cell, gutter] = narrow ? [32, 24] : [37, 66];
  return { cell, gutter, columns: Math.max(1, Math.floor((width - gutter) / cell)) };
}

export function gridHeight(cycles: number, { cell }: GridLayout): number {
  return HEAD + cycles * cell;
}

/** The cell under a point: a cycle from 1 and the index of a column, or `null`. */
export function cellAt(
  x: number,
  y: number,
  { cell, gutter }: GridLayout,
  { columns, cycles }: Grid,
): { readonly cycle: number; readonly column: number } | null {
  const column = Math.floor((x - gutter) / cell);
  const cycle = Math.floor((y - HEAD) / cell) + 1;
  const inside = column >= 0 && column < columns.length && cycle >= 1 && cycle <= cycles;
  return inside ? { cycle, column } : null;
}

export interface GridLook {
  /** Cycles after this one are drawn faintly. */
  readonly cycle: number;
  /** Index of the selected column. */
  readonly column: number;
  /** Cycles of the last column that are drawn, where they are shown one by one. */
  readonly reveal?: number;
  /** Colour by the probability of the guess, or by the entropy of the prediction. */
  readonly by: 'probability' | 'entropy';
  /** Entropy of the uniform distribution, in nats. */
  readonly chance: number;

  readonly glyph: (token: number) => string;
  /** What is written above a column. */
  readonly label: (column: Column) => string;
}

export function drawGrid(
  ctx: CanvasRenderingContext2D,
  grid: Grid,
  layout: GridLayout,
  look: GridLook,
  colour: Colour,
): void {
  const { cell, gutter } = layout;
  ctx.textBaseline = 'middle';
  rowNames(ctx, grid, layout, look, colour);
  grid.columns.forEach((column, i) => {
    const x = gutter + i * cell;
    const looked = i === look.column;
    ctx.globalAlpha = 1;
    ctx.textAlign = 'center';
    ctx.font = letters(15, looked);
    ctx.fillStyle = colour(looked ? '--ink' : '--soft');
    ctx.fillText(look.label(column), x + cell / 2, HEAD / 2);
    const drawn = i === grid.columns.length - 1 ? (look.reveal ?? grid.cycles) : grid.cycles;
    column.cells.slice(0, drawn).forEach((each, k) => {
      ctx.globalAlpha = k + 1 > look.cycle ? 0.22 : 1;
      drawCell(ctx, each, x, HEAD + k * cell, cell, look, colour);
    });
  });
  ctx.globalAlpha = 1;
  frame(ctx, grid, layout, look, colour);
}

function rowNames(
  ctx: CanvasRenderingContext2D,
  grid: Grid,
  { cell, gutter }: GridLayout,
  look: GridLook,
  colour: Colour,
): void {
  ctx.textAlign = 'left';
  for (let k = 0; k < grid.cycles; k += 1) {
    const here = k + 1 === look.cycle;
    ctx.font = `${here ? 600 : 400} 13px system-ui, sans-serif`;
    ctx.fillStyle = colour(here ? '--ink' : '--soft');
    const name = `pass ${k + 1}`;
    const fits = ctx.measureText(name).width < gutter - 4;
    ctx.fillText(fits ? name : String(k + 1), 4, HEAD + k * cell + cell / 2);
  }
}

function drawCell(
  ctx: CanvasRenderingContext2D,
  { token, prob, entropy, flipped, right }: Cell,
  x: number,
  y: number,
  cell: number,
  { by, chance, glyph }: GridLook,
  colour: Colour,
): void {
  const size = cell - GAP;
  const share = by === 'probability' ? prob : 1 - entropy / chance;
  const faint = ctx.globalAlpha;
  box(ctx, x, y, size);
  ctx.fillStyle = colour('--paper');
  ctx.fill();
  ctx.globalAlpha = faint * shade(share);
  ctx.fillStyle = colour('--accent');
  ctx.fill();
  ctx.globalAlpha = faint;
  ctx.font = letters(15, false);
  ctx.fillStyle = colour(share > STRONG ? '--accent-ink' : '--ink');
  ctx.textAlign = 'center';
  ctx.fillText(glyph(token), x + size / 2, y + size / 2 + 1);
  if (right) {
    ctx.fillRect(x + size * 0.3, y + size - 6, size * 0.4, 2);
  }
  if (flipped) {
    ctx.beginPath();
    ctx.arc(x + size - 6, y + 6, 4.5, 0, 2 * Math.PI);
    ctx.fillStyle = colour('--card');
    ctx.fill();
    ctx.beginPath();
    ctx.arc(x + size - 6, y + 6, 3, 0, 2 * Math.PI);
    ctx.fillStyle = colour('--depth-1');
    ctx.fill();
  }
}

/** The frame of the selected cell. */
function frame(
  ctx: CanvasRenderingContext2D,
  grid: Grid,
  { cell, gutter }: GridLayout,
  { cycle: selected, column, reveal }: GridLook,
  colour: Colour,
): void {
  const cycle = reveal === undefined ? selected : Math.max(1, reveal);
  if (column < 0 || column >= grid.columns.length || cycle > grid.cycles) return;
  box(ctx, gutter + column * cell, HEAD + (cycle - 1) * cell, cell - GAP);
  ctx.lineWidth = 2;
  ctx.strokeStyle = colour('--ink');
  ctx.stroke();
  ctx.lineWidth = 1;
}

function box(ctx: CanvasRenderingContext2D, x: number, y: number, size: number): void {
  ctx.beginPath();
  ctx.roundRect(x, y, size, size, 6);
}

function letters(size: number, bold: boolean): string {
  return `${bold ? 700 : 400} ${size}px ui-monospace, "SF Mono", "Cascadia Code", Menlo, Consolas, monospace`;
}
