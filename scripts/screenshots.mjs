// Pictures of the page after some training: wide and narrow, light and dark.
// The wide light one is also the README's picture.
//
//   node scripts/screenshots.mjs [--out FOLDER] [--steps 300]

import { copyFileSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";

import { launch } from "./lib/browser.mjs";
import { keep, root } from "./lib/paths.mjs";
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
    const page = await browser.newPage({ viewport: VIEWS[0] });
    await train(page, `${site.url}?preset=page-tiny&max_iters=${steps}`);
    for (const { name, width, height, colorScheme } of VIEWS) {
      await page.setViewportSize({ width, height });
      // The page keeps a person's choice of colours over the system's; the button is that choice.
      await page
        .getByRole("button", { name: colorScheme === "dark" ? "Dark" : "Light", exact: true })
        .click({ timeout: 1000 })
        .catch(() => undefined);
      const path = join(out, `${name}.png`);
      await page.screenshot({ path, fullPage: true });
      note(path);
    }
    copyFileSync(join(out, "wide-light.png"), README);
  } finally {
    await browser.close();
    await site.close();
  }
});

/** Trains to the end and waits until both texts are written. */
async function train(page, url) {
  await page.goto(url);
  await page.getByRole("button", { name: "Train", exact: true }).click();
  await page.locator('[data-testid="step"][data-phase="done"]').waitFor({ timeout: PATIENCE });
  for (const id of ["answer-a", "answer-b"]) {
    await page.locator(`[data-testid="${id}"][data-writing="false"]`).waitFor({ timeout: PATIENCE });
  }
}
