// Measures training steps of workers that share every update, in headless Chromium, with
// the worker and the modules of the built site. Groups of several sizes make steps in
// turns, and one worker that cuts its batches as they do; medians are printed. With --jax
// the same computation by @jax-js/jax is among the turns.
//
//   node scripts/bench-scale.mjs [--preset NAME …] [--cores 2 …] [--rounds N] [--jax] [--json]

import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

import { median, range } from "./bench/figures.mjs";
import { preset } from "./bench/presets.mjs";
import { sharedTraining } from "./bench/site-worker.mjs";
import { corpus, workerPage } from "./bench/worker-page.mjs";
import { launch } from "./lib/browser.mjs";
import { UserError, bold, dim, main } from "./lib/terminal.mjs";
import { installPackages } from "./lib/tools.mjs";
import { JAX_PRESET, jaxPeer } from "./bench-browser.mjs";
import { buildSite } from "./build.mjs";
import { serve } from "./serve.mjs";

const PRESETS = ["page-tiny", "page-small", "shakespeare-char-cpu", "digits", "sudoku-4x4"];
/** Milliseconds that a round of one worker takes, about. */
const ROUND = 2000;

/** Module, unit of a step's work, and data, by family of models. */
const FAMILIES = {
  language: { module: "cpu", unit: "tokens", data: () => corpus("shakespeare") },
  images: { module: "cpu-images", unit: "images", data: () => corpus("digits") },
  puzzles: { module: "cpu-puzzles", unit: "puzzles", data: () => ({ kind: "named" }) },
};

function familyOf({ model, data }) {
  if (model.variant === "trm") return FAMILIES.puzzles;
  return data.dataset === "digits" ? FAMILIES.images : FAMILIES.language;
}

/** Milliseconds of a step by group, of every preset. */
export async function benchScale({ presets, cores, rounds, jax }) {
  const site = await serve();
  const browser = await launch();
  const peers = [];
  try {
    for (const threads of jax ? [false, true] : []) {
      const name = `jax-js, ${threads ? "all cores" : "1 core"}`;
      peers.push({ name, ...(await jaxPeer(browser, threads)) });
    }
    const results = [];
    for (const name of presets) results.push(await measure(browser, site.url, { name, cores, rounds, peers }));
    return results;
  } finally {
    for (const { close } of peers) await close();
    await browser.close();
    await site.close();
  }
}

async function measure(browser, url, { name, cores, rounds, peers }) {
  const config = preset(name);
  config.train.max_iters = 1e6;
  const { module, unit, data: load } = familyOf(config);
  const data = load();
  const { batch_size: rows, gradient_accumulation_steps: batches } = config.train;
  const groups = [{ size: 1, parts: 1 }];
  for (const size of cores) {
    if (batches !== 1 || rows % size !== 0)
      throw new UserError(`${name}: ${rows} rows are not cut into ${size} parts.`);
    groups.push({ size: 1, parts: size }, { size, parts: size });
  }
  const { page, site } = await workerPage(browser, url, module);
  const n = await page.evaluate(sharedTraining, { site, config, data, groups, ms: ROUND });
  const times = groups.map(() => []);
  const peerTimes = peers.map(({ name }) => ({ name, times: [] }));
  for (let round = 0; round < rounds; round++) {
    for (const group of groups.keys()) {
      times[group].push(await page.evaluate(([group, n]) => window.bench.steps(group, n), [group, n]));
    }
    for (const [i, { steps }] of peers.entries()) {
      peerTimes[i].times.push(await steps(Math.max(2, Math.ceil(n / 2))));
    }
  }
  await page.close();
  const tokens = rows * batches * (config.model.block_size ?? 1);
  return { preset: name, rows, tokens, unit, rounds, groups, times, peerTimes };
}

function show({ preset, rows, tokens, unit, rounds, groups, times, peerTimes }) {
  console.log(bold(`\n${preset}: ${rows} rows in an update`));
  console.log(dim(`medians of ${rounds} rounds in turns`));
  const one = median(times[0]);
  for (const [i, { size, parts }] of groups.entries()) {
    const ms = median(times[i]);
    const what = `${size} ${size === 1 ? "core" : "cores"}${parts > 1 ? `, ${parts} parts` : ""}`;
    console.log(
      `  ${what.padEnd(18)} ${ms.toFixed(2).padStart(8)} ms a step  (${range(times[i], 2)})` +
        `  ${Math.round((1000 * tokens) / ms)} ${unit}/s  ${(one / ms).toFixed(2)} ×` +
        peerTimes.map((peer) => `  ${(ms / median(peer.times)).toFixed(2)} of ${peer.name}`).join(""),
    );
  }
  for (const peer of peerTimes) {
    const ms = median(peer.times).toFixed(2).padStart(8);
    console.log(`  ${peer.name.padEnd(18)} ${ms} ms a step  (${range(peer.times, 2)})`);
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await main(async () => {
    const { values } = parseArgs({
      options: {
        preset: { type: "string", multiple: true },
        cores: { type: "string", multiple: true, default: ["2"] },
        rounds: { type: "string", default: "7" },
        jax: { type: "boolean", default: false },
        json: { type: "boolean", default: false },
      },
    });
    const [rounds, cores, { jax }] = [Number(values.rounds), values.cores.map(Number), values];
    const presets = values.preset ?? (jax ? [JAX_PRESET] : PRESETS);
    if (![rounds, ...cores].every((number) => Number.isInteger(number) && number >= 1)) {
      throw new UserError("usage: bench-scale.mjs [--preset NAME …] [--cores N …] [--rounds N] [--jax] [--json]");
    }
    if (jax && presets.some((name) => name !== JAX_PRESET)) {
      throw new UserError(`--jax computes what the preset ${JAX_PRESET} does, and no other.`);
    }
    if (jax) await installPackages();
    await buildSite();
    const results = await benchScale({ presets, cores, rounds, jax });
    if (values.json) console.log(JSON.stringify(results, null, 2));
    else results.forEach(show);
  });
}
