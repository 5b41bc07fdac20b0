// The loss chart: a function of a context and data, nothing else.

import type { Point, Validation } from '../state/run';

export interface Colours {
  readonly ink: string;
  readonly faint: string;
  readonly line: string;
  readonly accent: string;
  readonly depths: readonly string[];
}

export interface ChartData {
  readonly training: readonly Point[];
  readonly validation: readonly Validation[];
  readonly chance: number;
  readonly lastStep: number;
}

export interface Frame {
  readonly x: (step: number) => number;
  readonly y: (loss: number) => number;
  readonly ticksX: readonly number[];
  readonly ticksY: readonly number[];
  readonly bottom: number;
  readonly right: number;
}

export const MARGIN = { left: 38, right: 64, top: 14, bottom: 26 } as const;

/** Round numbers that divide `[low, high]` into about `wanted` parts. */
export function ticks(low: number, high: number, wanted: number): number[] {
  const span = Math.max(high - low, 1e-9);
  const rough = span / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= rough) ?? rough;
  const found: number[] = [];
  for (let t = Math.ceil(low / step); t * step <= high + step * 1e-9; t += 1) found.push(t * step);
  return found;
}

/** The scales of a chart of `width` × `height` for `data`. */
export function frame(data: ChartData, width: number, height: number): Frame {
  const losses = [
    data.chance,
    ...data.training.map((p) => p.loss),
    ...data.validation.flatMap((v) => v.depths.map((d) => d.loss)),
  ].filter(Number.isFinite);
  const high = Math.min(Math.max(...losses), data.chance * 1.25) + 0.1;
  const low = Math.max(0, Math.min(...losses) - 0.25);
  const first = Math.min(...[data.training[0], data.validation[0]].map((p) => p?.step ?? Infinity));
  // A run that goes on from a trained model has nothing to show before that.
  const start = Number.isFinite(first) && first > Math.max(20, data.lastStep / 10) ? first : 0;
  const end = start + Math.max(20, (data.lastStep - start) * 1.02);
  const right = width - MARGIN.right;
  const bottom = height - MARGIN.bottom;
  return {
    x: (step) => MARGIN.left + ((step - start) / (end - start)) * (right - MARGIN.left),
    y: (loss) => bottom - ((Math.min(loss, high) - low) / (high - low)) * (bottom - MARGIN.top),
    ticksX: ticks(start, end, width < 500 ? 4 : 8),
    ticksY: ticks(low, high, 5),
    bottom,
    right,
  };
}

export function drawChart(
  ctx: CanvasRenderingContext2D,
  data: ChartData,
  width: number,
  height: number,
  colours: Colours,
): void {
  const f = frame(data, width, height);
  ctx.clearRect(0, 0, width, height);
  ctx.font = '12px system-ui, sans-serif';
  ctx.lineWidth = 1;
  axes(ctx, f, colours);
  chanceLine(ctx, f, data.chance, colours);
  path(ctx, f, data.training, colours.faint, 1.25);
  validation(ctx, f, data, colours);
}

function axes(ctx: CanvasRenderingContext2D, f: Frame, colours: Colours): void {
  ctx.fillStyle = colours.ink;
  ctx.strokeStyle = colours.line;
  ctx.textAlign = 'right';
  ctx.textBaseline = 'middle';
  for (const tick of f.ticksY) {
    const y = Math.round(f.y(tick)) + 0.5;
    segment(ctx, MARGIN.left, y, f.right, y);
    ctx.fillText(tick.toFixed(1), MARGIN.left - 8, y);
  }
  ctx.textAlign = 'center';
  ctx.textBaseline = 'top';
  for (const tick of f.ticksX) ctx.fillText(tick.toLocaleString('en-US'), f.x(tick), f.bottom + 8);
}

function chanceLine(ctx: CanvasRenderingContext2D, f: Frame, chance: number, c: Colours): void {
  const y = Math.round(f.y(chance)) + 0.5;
  ctx.strokeStyle = c.ink;
  ctx.setLineDash([3, 4]);
  segment(ctx, MARGIN.left, y, f.right, y);
  ctx.setLineDash([]);
}

function validation(
  ctx: CanvasRenderingContext2D,
  f: Frame,
  data: ChartData,
  colours: Colours,
): void {
  const runs = data.validation;
  const depths = [...new Set(runs.flatMap((v) => v.depths.map((d) => d.depth)))].sort(
    (a, b) => a - b,
  );
  const labels = [{ y: f.y(data.chance), text: 'guessing', colour: colours.ink }];
  for (const [i, depth] of depths.entries()) {
    const points = runs.flatMap((v) =>
      v.depths.filter((d) => d.depth === depth).map((d) => ({ step: v.step, loss: d.loss })),
    );
    const colour = colours.depths[i % colours.depths.length] ?? colours.accent;
    path(ctx, f, points, colour, 2);
    const last = points.at(-1);
    if (!last) continue;
    ctx.fillStyle = colour;
    ctx.beginPath();
    ctx.arc(f.x(last.step), f.y(last.loss), 3, 0, 2 * Math.PI);
    ctx.fill();
    labels.push({ y: f.y(last.loss), text: `depth ${depth}`, colour });
  }
  ctx.textAlign = 'left';
  ctx.textBaseline = 'middle';
  for (const label of spread(labels, f.bottom)) {
    ctx.fillStyle = label.colour;
    ctx.fillText(label.text, f.right + 6, label.y);
  }
}

/** Moves labels apart so that none covers another, and none goes below `bottom`. */
export function spread<T extends { y: number }>(
  labels: readonly T[],
  bottom: number,
  gap = 14,
): T[] {
  const sorted = [...labels].sort((a, b) => a.y - b.y);
  let above = -Infinity;
  const apart = sorted.map((label) => {
    above = Math.max(label.y, above + gap);
    return { ...label, y: above };
  });
  let below = bottom + gap;
  return apart
    .reverse()
    .map((label) => {
      below = Math.min(label.y, below - gap);
      return { ...label, y: below };
    })
    .reverse();
}

function segment(
  ctx: CanvasRenderingContext2D,
  x0: number,
  y0: number,
  x1: number,
  y1: number,
): void {
  ctx.beginPath();
  ctx.moveTo(x0, y0);
  ctx.lineTo(x1, y1);
  ctx.stroke();
}

function path(
  ctx: CanvasRenderingContext2D,
  f: Frame,
  points: readonly Point[],
  colour: string,
  width: number,
): void {
  ctx.strokeStyle = colour;
  ctx.lineWidth = width;
  ctx.lineJoin = 'round';
  ctx.beginPath();
  for (const { step, loss } of points) ctx.lineTo(f.x(step), f.y(loss));
  ctx.stroke();
  ctx.lineWidth = 1;
}
