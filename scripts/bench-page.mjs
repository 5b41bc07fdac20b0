// Measures the time from page load to the end of the first training step, on the
// CPU, in headless Chromium. The first load has an empty cache; the others use the
// cached files of the first, and find no saved run.
//
//   node scripts/bench-page.mjs [--loads N] [--json]

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

import { median, range } from "./bench/figures.mjs";
import { FLAGS } from "./lib/browser.mjs";
import { UserError, bold, dim, main } from "./lib/terminal.mjs";
import { requireBrowser } from "./lib/tools.mjs";
import { TEXT_ROOM } from "./lib/rooms.mjs";
import { buildSite } from "./build.mjs";
import { serve } from "./serve.mjs";

const QUERY = "?preset=page-tiny&device=cpu";
/** Milliseconds that a load may take on a slow machine. */
const TIMEOUT = 120_000;

/** Loads the page `loads` times after a cold first one; milliseconds since each navigation began. */
export async function benchPage({ loads, folder }) {
  const site = await serve({ folder });
  // A profile on disk: only with one does a browser keep compiled modules.
  const profile = mkdtempSync(join(tmpdir(), "trm-page-"));
  try {
    const { chromium } = await import("playwright-core");
    const executablePath = await requireBrowser();
    const context = await chromium.launchPersistentContext(profile, { executablePath, headless: true, args: FLAGS });
    try {
      const visits = [];
      for (let load = 0; load <= loads; load++) visits.push(await visit(context, site.url + TEXT_ROOM));
      const [cold, ...warm] = visits;
      return {
        loads,
        cold,
        warm,
        ready: median(warm.map((v) => v.ready)),
        trained: median(warm.map((v) => v.trained)),
      };
    } finally {
      await context.close();
    }
  } finally {
    await site.close();
    rmSync(profile, { recursive: true, force: true });
  }
}

async function visit(context, url) {
  const page = await context.newPage();
  page.setDefaultTimeout(TIMEOUT);
  await page.addInitScript(pressTrain);
  await page.goto(url + QUERY);
  await page.waitForFunction(() => window.visit?.trained);
  const times = await page.evaluate(() => window.visit);
  // A saved run would be resumed at the next visit; the cached files stay.
  await page.goto("about:blank");
  const session = await context.newCDPSession(page);
  await session.send("Storage.clearDataForOrigin", {
    origin: new URL(url).origin,
    storageTypes: "indexeddb,local_storage",
  });
  await page.close();
  return times;
}

/** Runs in the page before its own code: clicks Train once it is enabled, and keeps the times. */
function pressTrain() {
  window.visit = {};
  const look = () => {
    const step = document.querySelector('[data-testid="step"]')?.dataset;
    const button = [...document.querySelectorAll("button:not([role=tab])")].find(
      (button) => button.textContent.trim() === "Train",
    );
    if (!window.visit.ready && step?.phase === "paused" && button && !button.disabled) {
      window.visit.ready = performance.now();
      button.click();
    }
    if (window.visit.ready && Number(step?.step) > 0) {
      window.visit.trained = performance.now();
      observer.disconnect();
    }
  };
  const observer = new MutationObserver(look);
  observer.observe(document, { subtree: true, childList: true, attributes: true });
}

function show({ loads, cold, warm, ready, trained }) {
  const seconds = (ms) => (ms / 1000).toFixed(2);
  const spread = (key) =>
    range(
      warm.map((visit) => visit[key] / 1000),
      2,
    );
  console.log(bold("\nFrom page load to the first training step, CPU"));
  console.log(dim(`preset page-tiny; median of ${loads} loads with a warm cache`));
  console.log(`  Train can be pressed  ${seconds(ready)} s  (${spread("ready")}; cold ${seconds(cold.ready)})`);
  console.log(`  first step trained    ${seconds(trained)} s  (${spread("trained")}; cold ${seconds(cold.trained)})`);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await main(async () => {
    const { values } = parseArgs({
      options: { loads: { type: "string", default: "7" }, json: { type: "boolean", default: false } },
    });
    const loads = Number(values.loads);
    if (!Number.isInteger(loads) || loads < 1) throw new UserError("usage: bench-page.mjs [--loads N] [--json]");
    await buildSite();
    const result = await benchPage({ loads });
    if (values.json) console.log(JSON.stringify(result, null, 2));
    else show(result);
  });
}
