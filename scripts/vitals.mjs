// What a visitor feels, in headless Chromium on a server of this machine: how
// soon something is seen and can be used, whether it moves about, and whether
// the page stays fluent while it trains. The first load fills the cache; medians
// are of the others, which find nothing but the cache.
//
//   npm run vitals [-- --loads 5] [--seconds 30] [--query "?preset=page-tiny"] [--dist FOLDER] [--json]

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

import { median } from "./bench/figures.mjs";
import { FLAGS } from "./lib/browser.mjs";
import { UserError, bold, bytes, dim, green, main, red } from "./lib/terminal.mjs";
import { TEXT_ROOM } from "./lib/rooms.mjs";
import { openTab } from "./lib/tabs.mjs";
import { requireBrowser } from "./lib/tools.mjs";
import { listen } from "./lib/vitals-page.mjs";
import { buildSite } from "./build.mjs";
import { serve } from "./serve.mjs";
import { sizes } from "./sizes.mjs";

const TIMEOUT = 120_000;
/** Quiet for so long, the main thread counts as free. */
const QUIET = 1_000;

const seconds = (ms) => `${(ms / 1000).toFixed(2)} s`;
const plain = (digits) => (n) => n.toFixed(digits);

/** The printed figures of the loads and of the time while it trains. `most` or `least`: the limit. */
const LOADING = [
  { name: "first content", key: "content", show: seconds, most: 1000 },
  { name: "interactive", key: "interactive", show: seconds, most: 2500 },
  { name: "first generated text", key: "text", show: seconds },
  { name: "layout shift", key: "shift", show: plain(3), most: 0.1 },
  { name: "longest task", key: "longest", show: (ms) => `${Math.round(ms)} ms` },
];
/** Of the start page. */
const START = [
  { name: "first content", key: "content", show: seconds, most: 1000 },
  { name: "first model moving", key: "moving", show: seconds, most: 2500 },
  { name: "Sudoku moving", key: "solving", show: seconds },
];
const TRAINING = [
  { name: "frames a second", key: "frames", show: plain(0), least: 50 },
  { name: "frame at the 95th percentile", key: "late", show: (ms) => `${ms.toFixed(1)} ms` },
  { name: "tasks over 50 ms", key: "tasks", show: plain(0) },
  { name: "of these the longest", key: "longest", show: (ms) => `${Math.round(ms)} ms` },
  { name: "layout shift", key: "shift", show: plain(3), most: 0.1 },
  { name: "steps trained", key: "steps", show: plain(0), least: 1 },
];

export async function vitals({ loads, forSeconds, query, folder }) {
  const site = await serve(folder ? { folder } : {});
  const profile = mkdtempSync(join(tmpdir(), "trm-vitals-"));
  try {
    const { chromium } = await import("playwright-core");
    const executablePath = await requireBrowser();
    const context = await chromium.launchPersistentContext(profile, {
      executablePath,
      headless: true,
      viewport: { width: 1440, height: 900 },
      args: FLAGS,
    });
    try {
      const visits = [];
      for (let load = 0; load <= loads; load++) {
        const page = await open(context, site.url + TEXT_ROOM + query);
        visits.push(await page.evaluate(() => window.vitals.loading()));
        await leave(context, page, site.url);
      }
      const [cold, ...warm] = visits;
      const page = await open(context, site.url + TEXT_ROOM + query);
      const training = await train(page, forSeconds);
      await leave(context, page, site.url);
      const starts = [];
      for (let load = 0; load <= loads; load++) starts.push(await start(context, site.url));
      return { query, loads, seconds: forSeconds, cold, warm, training, starts: starts.slice(1) };
    } finally {
      await context.close();
    }
  } finally {
    await site.close();
    rmSync(profile, { recursive: true, force: true });
  }
}

/** A visit to the start page: when it shows something, and when the first of its models moves. */
async function start(context, url) {
  const page = await context.newPage();
  page.setDefaultTimeout(TIMEOUT);
  await page.addInitScript(() => {
    const times = (window.start = {});
    new PerformanceObserver((list) => {
      for (const { name, startTime } of list.getEntries())
        if (name === "first-contentful-paint") times.content = startTime;
    }).observe({ type: "paint", buffered: true });
    const look = () => {
      const solving = Number(document.querySelector('[data-testid="solving"]')?.dataset.step) > 0;
      const prompt = document.querySelector('[data-testid="writing"] pre span')?.textContent ?? "";
      const text = document.querySelector('[data-testid="writing"] pre')?.textContent ?? "";
      if (solving || text.length > prompt.length) times.moving ??= performance.now();
      if (solving) times.solving ??= performance.now();
    };
    new MutationObserver(look).observe(document, {
      ...{ subtree: true, childList: true, attributes: true, characterData: true },
    });
  });
  await page.goto(url);
  await page.waitForFunction(() => window.start.solving && window.start.content);
  const times = await page.evaluate(() => window.start);
  await page.close();
  return times;
}

/** A page that has been loaded, has written something and come to rest. */
async function open(context, url) {
  const page = await context.newPage();
  page.setDefaultTimeout(TIMEOUT);
  await page.addInitScript(listen);
  await page.goto(url);
  await page.waitForFunction((quiet) => window.vitals.settled(quiet), QUIET, { polling: 100 });
  return page;
}

/** A kept run would be taken up at the next visit; the cached files stay. */
async function leave(context, page, url) {
  await page.goto("about:blank");
  const session = await context.newCDPSession(page);
  const storageTypes = "indexeddb,local_storage";
  await session.send("Storage.clearDataForOrigin", { origin: new URL(url).origin, storageTypes });
  await page.close();
}

/** Frames and long tasks while it trains and the grid is visible. */
async function train(page, forSeconds) {
  await openTab(page, "Train");
  await page.getByRole("button", { name: /^(Train|Continue training)$/ }).click();
  await page.locator('[data-testid="step"][data-phase="training"]').waitFor();
  await openTab(page, "Explore");
  await page.locator('[data-testid="refinement"]').scrollIntoViewIfNeeded();
  return page.evaluate((ms) => window.vitals.during(ms), forSeconds * 1000);
}

/** One line of the table; whether its limit is kept. */
function line({ name, key, show, most, least }, values) {
  const value = median(values.map((each) => each[key]));
  const kept = value <= (most ?? Infinity) && value >= (least ?? -Infinity);
  const limit = most !== undefined ? `at most ${show(most)}` : least !== undefined ? `at least ${show(least)}` : "";
  const mark = limit ? (kept ? green("✓") : red("✗")) : " ";
  const spread = values.length > 1 ? dim(spreadOf(values, key, show)) : "";
  console.log(`  ${mark} ${name.padEnd(30)} ${show(value).padStart(9)}  ${limit.padEnd(16)} ${spread}`);
  return kept;
}

function spreadOf(values, key, show) {
  const all = values.map((each) => each[key]);
  return `${show(Math.min(...all))} to ${show(Math.max(...all))}`;
}

/** Prints the table; whether every limit was kept. */
function print({ query, loads, seconds: forSeconds, cold, warm, training, starts }) {
  console.log(bold(`\nLoading ${query || "(the page as it opens)"}, 1440 wide, median of ${loads} warm loads`));
  const kept = LOADING.map((row) => line(row, warm));
  console.log(dim(`  the cold load before them: first content ${seconds(cold.content)}, text ${seconds(cold.text)}`));
  const sent = Object.entries(cold.transferred).map(([kind, n]) => `${kind} ${bytes(n)}`);
  console.log(dim(`  sent then to the page (its worker fetches the trainer), uncompressed: ${sent.join(", ")}`));
  console.log(bold(`\n${forSeconds} seconds of training with the grid in sight`));
  kept.push(...TRAINING.map((row) => line(row, [training])));
  console.log(bold(`\nStart page, median of ${loads} warm loads`));
  kept.push(...START.map((row) => line(row, starts)));
  const [code] = sizes({ only: "page code" });
  console.log(bold("\nPage code"));
  const mark = code.kept ? green("✓") : red("✗");
  console.log(
    `  ${mark} ${code.compressed.padEnd(30)} ${bytes(code.squeezed).padStart(9)}  at most ${bytes(code.limit)}`,
  );
  return [...kept, code.kept].every(Boolean);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await main(async () => {
    const { values } = parseArgs({
      options: {
        loads: { type: "string", default: "5" },
        seconds: { type: "string", default: "30" },
        query: { type: "string", default: "" },
        dist: { type: "string" },
        json: { type: "boolean", default: false },
      },
    });
    const [loads, forSeconds] = [Number(values.loads), Number(values.seconds)];
    if (!Number.isInteger(loads) || loads < 1 || !(forSeconds > 0)) {
      throw new UserError("usage: vitals.mjs [--loads N] [--seconds S] [--query Q] [--dist FOLDER] [--json]");
    }
    if (!values.dist) await buildSite();
    const folder = values.dist && resolve(values.dist);
    const result = await vitals({ loads, forSeconds, query: values.query, folder });
    if (values.json) console.log(JSON.stringify(result, null, 2));
    else if (!print(result)) throw new UserError("Over a limit: see the marks above.");
  });
}
