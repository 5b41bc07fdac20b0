// The README's pictures: the language page, the puzzles page, and an animation of
// the grid while the model writes. Written to assets/ with a palette of at most
// 256 colours, so that they stay small.
//
//   node scripts/pictures.mjs [--only page-language|page-puzzles|grid …] [--frames 28] [--interval 450] [--no-build]
//
// `--no-build` shows web/dist as it is.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { launch } from "./lib/browser.mjs";
import { root } from "./lib/paths.mjs";
import { openedLanguagePage, solvedPuzzle, writingStarted } from "./lib/picture-states.mjs";
import { animate, decode, encode, reduce } from "./lib/png.mjs";
import { UserError, bytes, main, note, step } from "./lib/terminal.mjs";
import { buildSite } from "./build.mjs";
import { serve } from "./serve.mjs";

const VIEWPORT = { width: 1200, height: 900 };
/** One colour is left for transparency in animations. */
const COLOURS = 255;
/** Largest files, in bytes. */
const MOST = { picture: 400_000, animation: 1_500_000 };
/** A Sudoku that the supplied model solves in nine steps. */
const PUZZLE =
  "kind=sudoku-9x9&puzzle=93...........17..85...2........8......7......3.....45...2.....1...4..3.....9.....";

const WORK = { "page-language": languagePage, "page-puzzles": puzzlesPage, grid };

await main(async () => {
  const { values } = parseArgs({
    options: {
      only: { type: "string", multiple: true, default: Object.keys(WORK) },
      frames: { type: "string", default: "28" },
      interval: { type: "string", default: "450" },
      "no-build": { type: "boolean", default: false },
    },
  });
  const [frames, interval] = [values.frames, values.interval].map(Number);
  const unknown = values.only.filter((name) => !(name in WORK));
  if (unknown.length || ![frames, interval].every((n) => Number.isInteger(n) && n > 0)) {
    throw new UserError(
      `usage: pictures.mjs [--only ${Object.keys(WORK).join("|")} …] [--frames N] [--interval MS] [--no-build]`,
    );
  }
  if (!values["no-build"]) await buildSite();
  mkdirSync(join(root, "assets"), { recursive: true });
  const site = await serve();
  const browser = await launch();
  try {
    for (const name of values.only) {
      await step(`assets/${name}.png`, async () => {
        const context = await browser.newContext({ viewport: VIEWPORT, colorScheme: "light" });
        const page = await context.newPage();
        await WORK[name](page, site.url, { frames, interval });
        await context.close();
      });
    }
  } finally {
    await browser.close();
    await site.close();
  }
});

async function languagePage(page, url) {
  await openedLanguagePage(page, url);
  save("page-language", still(await page.screenshot({ fullPage: true, clip: await top(page, "#think") })));
}

async function puzzlesPage(page, url) {
  await solvedPuzzle(page, url, `puzzles.html?${PUZZLE}`);
  save("page-puzzles", still(await page.screenshot({ fullPage: true, clip: await top(page, "#solve") })));
}

/** Frames of the part with text and grid, while the model writes. */
async function grid(page, url, { frames, interval }) {
  await writingStarted(page, url);
  const clip = await page.locator("#think").boundingBox();
  const taken = [];
  for (let i = 0; i < frames; i++) {
    const began = performance.now();
    taken.push(decode(await page.screenshot({ clip })));
    await page.waitForTimeout(Math.max(0, interval - (performance.now() - began)));
  }
  const { palette, images } = reduce(taken, COLOURS);
  save("grid", animate(palette, images, interval), MOST.animation);
}

/** The page from its top down to the end of `section`. */
async function top(page, section) {
  // Nothing looks as if the pointer were over it.
  await page.mouse.move(0, 0);
  const box = await page.locator(section).boundingBox();
  return { x: 0, y: 0, width: VIEWPORT.width, height: Math.ceil(box.y + box.height) + 16 };
}

function still(screenshot) {
  const { palette, images } = reduce([decode(screenshot)], COLOURS);
  return encode(palette, images[0]);
}

function save(name, file, most = MOST.picture) {
  if (file.length > most)
    throw new UserError(`${name}.png is ${bytes(file.length)}; at most ${bytes(most)} are allowed.`);
  writeFileSync(join(root, `assets/${name}.png`), file);
  note(bytes(file.length));
}
