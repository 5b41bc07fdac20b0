// Pictures of the page: as a first visit finds it, if a model comes with it, and
// after some training; wide and narrow, light and dark. The wide light one after
// training is also the README's picture.
//
//   node scripts/screenshots.mjs [--out FOLDER] [--steps 300]

import { copyFileSync, existsSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";

import { launch } from "./lib/browser.mjs";
import { dist, keep, root } from "./lib/paths.mjs";
import { Trouble, main, note } from "./lib/say.mjs";
import { buildSite } from "./build.mjs";
import { serve } from "./serve.mjs";

const VIEWS = [
  { name: "wide-light", width: 1440, height: 900, colorScheme: "light" },
  { name: "wide-dark", width: 1440, height: 900, colorScheme: "dark" },
  { name: "narrow-light", width: 390, height: 844, colorScheme: "light" },
  { name: "narrow-dark", width: 390, height: 844, colorScheme: "dark" },
];
const README = join(root, "assets/page.png");
/** How long training may take on a slow machine. */
const PATIENCE = 600_000;

await main(async () => {
  const { values } = parseArgs({
    options: {
      out: { type: "string", default: join(keep, "pictures") },
      steps: { type: "string", default: "300" },
    },
  });
  const steps = Number(values.steps);
  if (!Number.isInteger(steps) || steps < 1) throw new Trouble("usage: screenshots.mjs [--out FOLDER] [--steps N]");
  const out = resolve(values.out);
  mkdirSync(out, { recursive: true });
  await buildSite();
  const site = await serve();
  const browser = await launch();
  try {
    for (const { state, prepare } of states(site.url, steps)) {
      const page = await browser.newPage({ viewport: VIEWS[0] });
      await prepare(page);
      await pictures(page, state, out);
      await page.close();
    }
    copyFileSync(join(out, "trained-wide-light.png"), README);
  } finally {
    await browser.close();
    await site.close();
  }
});

function states(url, steps) {
  const opened = { state: "opened", prepare: (page) => page.goto(url).then(() => written(page)) };
  const trained = { state: "trained", prepare: (page) => train(page, `${url}?preset=page-tiny&max_iters=${steps}`) };
  return existsSync(join(dist, "checkpoints/manifest.json")) ? [opened, trained] : [trained];
}

async function pictures(page, state, out) {
  for (const { name, width, height, colorScheme } of VIEWS) {
    await page.setViewportSize({ width, height });
    // The page keeps a person's choice of colours over the system's; the button is that choice.
    await page
      .getByRole("button", { name: colorScheme === "dark" ? "Dark" : "Light", exact: true })
      .click({ timeout: 1000 })
      .catch(() => undefined);
    const path = join(out, `${state}-${name}.png`);
    await page.screenshot({ path, fullPage: true });
    note(path);
  }
}

/** Trains to the end and waits until both texts are written. */
async function train(page, url) {
  await page.goto(url);
  await page.getByRole("button", { name: "Train", exact: true }).click();
  await page.locator('[data-testid="step"][data-phase="done"]').waitFor({ timeout: PATIENCE });
  await written(page);
}

/** Until both texts are written and read out. */
async function written(page) {
  for (const id of ["answer-a", "answer-b"]) {
    const text = page.locator(`[data-testid="${id}"][data-writing="false"]`).filter({ hasText: /.{60}/s });
    await text.waitFor({ timeout: PATIENCE });
  }
  await page.locator('[data-testid="refinement"] td').first().waitFor({ timeout: PATIENCE });
}
