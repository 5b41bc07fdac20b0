// A board being solved, to be passed on: one frame for each supervision step.

import type { Paint } from '../../../ui/draw/paint';
import type { Drawing } from '../../../ui/share-image';
import { glyph, PATH } from '../board';
import type { Kind } from '../kinds';
import { cellsAt, type PuzzleAnswer } from '../solving';
import { result } from '../words';

const BOARD = 504;
const EDGE = 24;
const FOOT = 36;

export function pictureOf(answer: PuzzleAnswer): Drawing {
  const frames = answer.trace.steps.map((_, i) => frame(answer, i + 1));
  return { width: BOARD + 2 * EDGE, height: BOARD + 2 * EDGE + FOOT, frames };
}

function frame(answer: PuzzleAnswer, step: number): Paint {
  const { kind } = answer;
  const cells = cellsAt(answer, step, null);
  const size = BOARD / kind.side;
  return (ctx, _width, height, colour) => {
    ctx.textAlign = 'center';
    ctx.textBaseline = 'middle';
    cells.forEach(({ token, given, sure, changed }, at) => {
      const x = EDGE + (at % kind.side) * size;
      const y = EDGE + Math.floor(at / kind.side) * size;
      const wall = kind.family === 'maze' && given && token === 1;
      ctx.fillStyle = colour(wall ? '--trace' : given ? '--paper' : '--accent');
      ctx.globalAlpha = given ? 1 : 0.4 * sure;
      ctx.fillRect(x, y, size, size);
      ctx.globalAlpha = 1;
      ctx.fillStyle = colour(changed ? '--depth-1' : '--ink');
      ctx.font = `${given || changed ? 700 : 400} ${Math.round(size * 0.5)}px system-ui, sans-serif`;
      const path = kind.family === 'maze' && !given && token === PATH;
      ctx.fillText(path ? '•' : glyph(kind, token), x + size / 2, y + size / 2);
    });
    lines(ctx, kind, size, colour('--line'), colour('--ink'));
    ctx.fillStyle = colour('--soft');
    ctx.font = '15px system-ui, sans-serif';
    ctx.textAlign = 'left';
    ctx.fillText(`TRM Playground. ${result(answer, step)}`, EDGE, height - EDGE);
  };
}

function lines(
  ctx: CanvasRenderingContext2D,
  kind: Kind,
  size: number,
  thin: string,
  thick: string,
): void {
  const line = (i: number, across: boolean, strong: boolean) => {
    ctx.fillStyle = strong ? thick : thin;
    const [at, width] = [EDGE + i * size - (strong ? 1 : 0.5), strong ? 2 : 1];
    if (across) ctx.fillRect(EDGE, at, BOARD, width);
    else ctx.fillRect(at, EDGE, width, BOARD);
  };
  const ends = (i: number) => i === 0 || i === kind.side;
  const box = kind.family === 'sudoku' ? kind.box : null;
  for (const strong of [false, true]) {
    for (let i = 0; i <= kind.side; i += 1) {
      if (strong === (ends(i) || (box !== null && i % box.rows === 0))) line(i, true, strong);
      if (strong === (ends(i) || (box !== null && i % box.cols === 0))) line(i, false, strong);
    }
  }
}
