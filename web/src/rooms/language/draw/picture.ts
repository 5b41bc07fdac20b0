// The grid with its text, to be passed on: one frame for each pass.

import type { Paint } from '../../../ui/draw/paint';
import type { Drawing } from '../../../ui/share-image';
import { glyph } from '../../../run/format';
import { gridOf } from '../grid';
import type { Shown } from '../refining.svelte';
import { label } from '../spans';
import { drawGrid, gridHeight, layoutOf } from './grid';

const WIDTH = 800;
const EDGE = 24;
/** Of a line of text, and lines that are shown. */
const LINE = 24;
const LINES = 4;
const CHARACTERS = 76;

/** `text`: all of it; its end is shown. */
export function pictureOf(shown: Shown, text: string, chance: number): Drawing {
  const inner = WIDTH - 2 * EDGE;
  const layout = layoutOf(inner);
  const grid = gridOf(shown, layout.columns);
  const top = EDGE + LINE * (LINES + 1);
  const height = top + gridHeight(grid.cycles, layout) + EDGE + LINE;
  const lines = wrapped(text).slice(-LINES);
  const frame =
    (cycle: number): Paint =>
    (ctx, _width, all, colour) => {
      ctx.fillStyle = colour('--ink');
      ctx.textBaseline = 'top';
      ctx.font = '16px ui-monospace, Menlo, Consolas, monospace';
      lines.forEach((line, i) => ctx.fillText(line, EDGE, EDGE + i * LINE));
      ctx.fillStyle = colour('--soft');
      ctx.font = '13px system-ui, sans-serif';
      const words = `TRM Playground: the guess for the next character, pass ${cycle} of ${grid.cycles}`;
      ctx.fillText(words, EDGE, all - EDGE - 13);
      ctx.save();
      ctx.translate(EDGE, top);
      const look = {
        ...{ cycle, column: grid.columns.length - 1, by: 'probability' as const, chance },
        glyph: (token: number) => glyph(shown.vocab, token),
        label: ({ token, piece }: { token: number; piece: string | null }) =>
          label(shown.vocab, token, piece),
      };
      drawGrid(ctx, grid, layout, look, colour);
      ctx.restore();
    };
  const frames = Array.from({ length: grid.cycles }, (_, i) => frame(i + 1));
  return { width: WIDTH, height, frames };
}

function wrapped(text: string): string[] {
  return text.split('\n').flatMap((line) => {
    const characters = [...line];
    const rows = Math.max(1, Math.ceil(characters.length / CHARACTERS));
    return Array.from({ length: rows }, (_, i) =>
      characters.slice(i * CHARACTERS, (i + 1) * CHARACTERS).join(''),
    );
  });
}
