// Pictures of the page in every state that it can be in (lib/picture-states.mjs),
// wide and narrow, light and dark, to be looked at. The README's pictures are made
// by pictures.mjs.
//
//   npm run screenshots [-- --only STATE …] [--out FOLDER] [--steps 300]

import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";

import { launch } from "./lib/browser.mjs";
import { cache } from "./lib/paths.mjs";
import { pictureStates } from "./lib/picture-states.mjs";
import { openTab } from "./lib/tabs.mjs";
import { UserError, main, note, step } from "./lib/terminal.mjs";
import { buildSite } from "./build.mjs";
import { serve } from "./serve.mjs";

const VIEWS = [
  { name: "wide-light", width: 1440, height: 900, colorScheme: "light" },
  { name: "wide-dark", width: 1440, height: 900, colorScheme: "dark" },
  { name: "narrow-light", width: 390, height: 844, colorScheme: "light" },
  { name: "narrow-dark", width: 390, height: 844, colorScheme: "dark" },
];

await main(async () => {
  const { values } = parseArgs({
    options: {
      only: { type: "string", multiple: true },
      out: { type: "string", default: join(cache, "pictures") },
      steps: { type: "string", default: "300" },
    },
  });
  const steps = Number(values.steps);
  if (!Number.isInteger(steps) || steps < 1) {
    throw new UserError("usage: screenshots.mjs [--only STATE …] [--out FOLDER] [--steps N]");
  }
  await buildSite();
  const states = chosen(pictureStates(), values.only);
  const out = resolve(values.out);
  mkdirSync(out, { recursive: true });
  const site = await serve();
  const browser = await launch();
  try {
    for (const { state, prepare } of states) {
      await step(state, async () => {
        // A visitor of each state: nothing is left in the browser by the one before.
        const context = await browser.newContext({ viewport: VIEWS[0] });
        const page = await context.newPage();
        await prepare(page, site.url, steps);
        await pictures(page, state, out);
        await context.close();
      });
    }
  } finally {
    await browser.close();
    await site.close();
  }
  note(out);
});

function chosen(states, only) {
  if (!only) return states;
  const unknown = only.filter((name) => !states.some(({ state }) => state === name));
  if (unknown.length) {
    throw new UserError(`There is no state ${unknown.join(", ")}; there are ${states.map((s) => s.state).join(", ")}.`);
  }
  return states.filter(({ state }) => only.includes(state));
}

async function pictures(page, state, out) {
  for (const { name, width, height, colorScheme } of VIEWS) {
    await page.setViewportSize({ width, height });
    await page.emulateMedia({ colorScheme });
    // The page follows the system, and canvases are drawn anew in the frame after.
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    const open = page.getByRole("tab", { selected: true });
    const before = (await open.count()) ? await open.textContent() : null;
    for (const tab of before ? await page.getByRole("tab").allTextContents() : [""]) {
      if (tab) await openTab(page, tab);
      const part = tab ? `-${tab.toLowerCase()}` : "";
      await page.screenshot({ path: join(out, `${state}${part}-${name}.png`), fullPage: true });
    }
    if (before) await openTab(page, before);
  }
}
