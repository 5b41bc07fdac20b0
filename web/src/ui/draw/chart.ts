// A chart of losses: any number of lines over steps, compute or time. A function
// of a context and data, nothing else.

export interface Spot {
  readonly x: number;
  readonly loss: number;
}

/** One line of a chart. Colours are names of the page's own, such as `--accent`. */
export interface Line {
  readonly spots: readonly Spot[];
  readonly colour: string;
  readonly width: number;
  readonly dash?: readonly number[];
  readonly opacity?: number;
  /** Written beside its last point, which is then marked. */
  readonly label?: string;
  /** What it is called where its values are read; without one, it has its label. */
  readonly name?: string;
}

/** What is counted from left to right. */
export type Axis = 'steps' | 'compute' | 'time';

export interface ChartData {
  /** Drawn in this order, so that the last lies on top. */
  readonly lines: readonly Line[];
  readonly chance: number;
  /** How far the run has come, also where there is nothing to draw yet. */
  readonly end: number;
  readonly axis: Axis;
  /** Whether losses are shown however far above guessing they are. */
  readonly whole?: boolean;
}

export interface Frame {
  readonly x: (at: number) => number;
  /** Within the chart, also for what is above it. */
  readonly y: (loss: number) => number;
  /** Also above the chart. */
  readonly above: (loss: number) => number;
  /** Step, operations or seconds at a place from the left. */
  readonly at: (x: number) => number;
  readonly ticksX: readonly number[];
  readonly ticksY: readonly number[];
  readonly bottom: number;
  readonly right: number;
}

/** The colour that a name stands for now. */
export type Palette = (name: string) => string;

export const MARGIN = { left: 38, right: 64, top: 14, bottom: 26 } as const;

/** The least that an axis shows, and what its numbers look like. */
const AXES: Record<Axis, { readonly least: number; readonly show: (at: number) => string }> = {
  steps: { least: 20, show: (at) => at.toLocaleString('en-US') },
  compute: { least: 1e6, show: flops },
  time: { least: 1, show: time },
};

/** Seconds as people write them. */
export function time(at: number): string {
  // Multiples of a tenth are not exact.
  return at < 120 ? `${+at.toPrecision(6)} s` : `${+(at / 60).toFixed(1)} min`;
}

/** Floating-point operations as people write them. */
export function flops(exact: number): string {
  const units = ['', 'k', 'M', 'G', 'T', 'P', 'E'];
  const n = +exact.toPrecision(3);
  const unit = n < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(n) / 3 + 1e-9));
  return `${+(n / 1000 ** unit).toPrecision(3)}${units[unit] ? ` ${units[unit]}` : ''}`;
}

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
  const { chance, axis, whole = false } = data;
  const spots = data.lines.flatMap((line) => line.spots);
  let [first, last, lowest, highest] = [Infinity, data.end, chance, chance];
  for (const { x, loss } of spots) {
    first = Math.min(first, x);
    last = Math.max(last, x);
    if (!Number.isFinite(loss)) continue;
    lowest = Math.min(lowest, loss);
    highest = Math.max(highest, loss);
  }
  const high = (whole ? highest : Math.min(highest, chance * 1.25)) + 0.1;
  const low = Math.max(0, lowest - 0.25);
  const { least } = AXES[axis];
  // A run that goes on from a trained model has nothing to show before that.
  const start = Number.isFinite(first) && first > Math.max(least, last / 10) ? first : 0;
  const end = start + Math.max(least, (last - start) * 1.02);
  const right = width - MARGIN.right;
  const bottom = height - MARGIN.bottom;
  const y = (loss: number) => bottom - ((loss - low) / (high - low)) * (bottom - MARGIN.top);
  return {
    x: (at) => MARGIN.left + ((at - start) / (end - start)) * (right - MARGIN.left),
    y: (loss) => y(Math.min(loss, high)),
    above: y,
    at: (x) => start + ((x - MARGIN.left) / (right - MARGIN.left)) * (end - start),
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
  palette: Palette,
): void {
  const f = frame(data, width, height);
  ctx.clearRect(0, 0, width, height);
  ctx.font = '12px system-ui, sans-serif';
  ctx.lineWidth = 1;
  axes(ctx, f, data.axis, palette);
  chanceLine(ctx, f, data.chance, palette);
  for (const line of data.lines) path(ctx, f, line, palette);
  labels(ctx, f, data, palette);
}

function axes(ctx: CanvasRenderingContext2D, f: Frame, axis: Axis, palette: Palette): void {
  ctx.fillStyle = palette('--soft');
  ctx.strokeStyle = palette('--line');
  ctx.textAlign = 'right';
  ctx.textBaseline = 'middle';
  for (const tick of f.ticksY) {
    const y = Math.round(f.y(tick)) + 0.5;
    segment(ctx, MARGIN.left, y, f.right, y);
    ctx.fillText(tick.toFixed(1), MARGIN.left - 8, y);
  }
  ctx.textAlign = 'center';
  ctx.textBaseline = 'top';
  for (const tick of f.ticksX) ctx.fillText(AXES[axis].show(tick), f.x(tick), f.bottom + 8);
}

function chanceLine(ctx: CanvasRenderingContext2D, f: Frame, chance: number, p: Palette): void {
  const y = Math.round(f.y(chance)) + 0.5;
  ctx.strokeStyle = p('--soft');
  ctx.setLineDash([3, 4]);
  segment(ctx, MARGIN.left, y, f.right, y);
  ctx.setLineDash([]);
}

function path(ctx: CanvasRenderingContext2D, f: Frame, line: Line, palette: Palette): void {
  const { spots, colour, width, dash = [], opacity = 1, label } = line;
  ctx.strokeStyle = ctx.fillStyle = palette(colour);
  ctx.lineWidth = width;
  ctx.lineJoin = 'round';
  ctx.globalAlpha = opacity;
  ctx.setLineDash([...dash]);
  // A spike leaves the chart at its top; cut flat it would look like a plateau.
  ctx.save();
  ctx.beginPath();
  ctx.rect(0, 0, f.right + MARGIN.right, f.bottom + 2);
  ctx.clip();
  ctx.beginPath();
  for (const { x, loss } of spots) ctx.lineTo(f.x(x), f.above(loss));
  ctx.stroke();
  ctx.restore();
  ctx.setLineDash([]);
  ctx.lineWidth = ctx.globalAlpha = 1;
  const last = spots.at(-1);
  if (!last || label === undefined) return;
  ctx.beginPath();
  ctx.arc(f.x(last.x), f.y(last.loss), 3, 0, 2 * Math.PI);
  ctx.fill();
}

function labels(ctx: CanvasRenderingContext2D, f: Frame, data: ChartData, palette: Palette): void {
  const wanted = [{ y: f.y(data.chance), text: 'guessing', colour: '--soft' }];
  for (const { spots, colour, label } of data.lines) {
    const last = spots.at(-1);
    if (last && label !== undefined) wanted.push({ y: f.y(last.loss), text: label, colour });
  }
  ctx.textAlign = 'left';
  ctx.textBaseline = 'middle';
  for (const label of spread(wanted, f.bottom)) {
    ctx.fillStyle = palette(label.colour);
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
