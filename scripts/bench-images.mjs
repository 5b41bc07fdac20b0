// Measures the page's image classifier in headless Chromium on the CPU: how long one
// drawing takes, and how long a new model takes to learn the handwritten digits.
//
//   node scripts/bench-images.mjs [--inner 6] [--outer 4] [--seeds 1337,2] [--json]

import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

import { median, range } from "./bench/figures.mjs";
import { preset } from "./bench/presets.mjs";
import { classifying, learning } from "./bench/site-worker.mjs";
import { corpus, workerPage } from "./bench/worker-page.mjs";
import { launch } from "./lib/browser.mjs";
import { UserError, bold, main } from "./lib/terminal.mjs";
import { buildSite } from "./build.mjs";
import { serve } from "./serve.mjs";

/** Classifications that are timed. */
const TIMES = 200;
/** Share of the validation images that is waited for, and steps between two looks. */
const GOAL = { share: 0.95, every: 25 };
/** Pixels of a drawing. */
const SIDE = 32;

/** A seven, as on or off. */
function seven() {
  const on = (x, y) => (y >= 3 && y < 7 && x >= 8 && x < 24) || (y >= 7 && y < 29 && Math.abs(x - (24 - y / 2)) < 2.5);
  return Array.from({ length: SIDE * SIDE }, (_, i) => Number(on(i % SIDE, Math.floor(i / SIDE))));
}

export async function benchImages({ inner, outer, seeds }) {
  const server = await serve();
  const browser = await launch();
  try {
    const { page, site } = await workerPage(browser, server.url, "cpu-images");
    const checkpoint = `${server.url}checkpoints/digits.safetensors`;
    const drawing = { site, checkpoint, bitmap: seven(), inner, outer, times: TIMES };
    const times = await page.evaluate(classifying, drawing);
    const learned = [];
    for (const seed of seeds) {
      const config = preset("digits");
      config.train.seed = seed;
      const limit = config.train.max_iters;
      const run = { site, config, data: corpus("digits"), ...GOAL, limit };
      learned.push({ seed, ...(await page.evaluate(learning, run)) });
    }
    return { inner, outer, times, learned };
  } finally {
    await browser.close();
    await server.close();
  }
}

function show({ inner, outer, times, learned }) {
  const sorted = [...times].sort((a, b) => a - b);
  const late = sorted[Math.floor(0.95 * sorted.length)];
  console.log(bold(`\nA drawing, N = ${inner}, T = ${outer}`));
  console.log(`  ${median(times).toFixed(1)} ms  (${range(times, 1)}; 95 % within ${late.toFixed(1)})`);
  console.log(bold(`\nThe digits from nothing, to ${100 * GOAL.share} % of the validation images`));
  for (const { seed, step, seconds, val, test } of learned) {
    const percent = (share) => `${(100 * share).toFixed(1)} %`;
    console.log(
      `  seed ${seed}: ${seconds.toFixed(1)} s, ${step} steps: validation ${percent(val)}, test ${percent(test)}`,
    );
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await main(async () => {
    const { values } = parseArgs({
      options: {
        inner: { type: "string", default: "6" },
        outer: { type: "string", default: "4" },
        seeds: { type: "string", default: "1337,2" },
        json: { type: "boolean", default: false },
      },
    });
    const [inner, outer] = [Number(values.inner), Number(values.outer)];
    const seeds = values.seeds.split(",").map(Number);
    if (![inner, outer, ...seeds].every((number) => Number.isInteger(number) && number >= 1))
      throw new UserError("usage: bench-images.mjs [--inner N] [--outer T] [--seeds 1,2] [--json]");
    await buildSite();
    const result = await benchImages({ inner, outer, seeds });
    if (values.json) console.log(JSON.stringify(result, null, 2));
    else show(result);
  });
}
