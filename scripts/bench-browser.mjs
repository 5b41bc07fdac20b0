// Measures a training step in headless Chromium and the same computation by the npm
// package @jax-js/jax, on the CPU (one thread each; ours with and without relaxed SIMD)
// and on WebGPU. They are measured alternately in one run; medians and ratios are printed.
// On WebGPU the page's smallest preset is measured too, alone in the browser.
//
//   node scripts/bench-browser.mjs [--device cpu|webgpu|both] [--rounds N] [--json]

import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

import { median, range } from "./bench/figures.mjs";
import { preset } from "./bench/presets.mjs";
import { WEBGPU, launch } from "./lib/browser.mjs";
import { root, wasmOut } from "./lib/paths.mjs";
import { UserError, bold, bytes, dim, main } from "./lib/terminal.mjs";
import { installPackages } from "./lib/tools.mjs";
import { serve } from "./serve.mjs";
import { buildWasm } from "./wasm.mjs";

/** Ours: 2 blocks × 2 cycles, as many multiplications as the 4 layers of jax-js. */
const CONFIG = {
  model: { variant: "chat_trm", hidden_size: 128, num_heads: 4, n_layers: 2, recursion_steps: 2, block_size: 64 },
  train: { batch_size: 12, lr_schedule: "constant", warmup_iters: 0 },
};
/** A preset of the same computation. */
export const JAX_PRESET = "shakespeare-char-cpu";
const SIZES = { batch: 12, seq: 64, width: 128, heads: 4, inner: 512, layers: 4, vocab: 65 };

/** The preset of a new model on the page. */
const PAGE = "page-tiny";

/** Our modules; rounds, and steps in a round: a software adapter needs seconds for one step. */
const PLANS = {
  cpu: { modules: ["cpu-relaxed", "cpu"], rounds: 9, steps: 5 },
  webgpu: { modules: ["gpu"], rounds: 3, steps: 1 },
};

export async function benchBrowser({ devices, rounds }) {
  return inBrowser(async (browser, url) => {
    const results = [];
    for (const device of devices) results.push(await measure(browser, url, device, rounds));
    return results;
  });
}

const serveBench = (isolated = false) =>
  serve({
    folder: join(root, "scripts/bench"),
    isolated,
    mounts: { "/jax/": join(root, "node_modules/@jax-js/jax/dist"), "/wasm/": wasmOut },
  });

/**
 * jax-js on the CPU in a tab of `browser`: `steps(n)` gives the milliseconds of each of `n` steps.
 * With `threads` on all cores, for which its page must be isolated from other origins.
 */
export async function jaxPeer(browser, threads) {
  const site = await serveBench(threads);
  const { ask } = await tab(browser, site.url);
  await ask("open", { device: "cpu", modules: [], sizes: SIZES });
  return { steps: async (steps) => (await ask("peer", { steps })).value, close: () => site.close() };
}

/** Runs `work` with a new browser and the address of the bench. */
async function inBrowser(work) {
  const site = await serveBench();
  const browser = await launch(WEBGPU);
  try {
    return await work(browser, site.url);
  } finally {
    await browser.close();
    await site.close();
  }
}

/** A tab with the bench, and a function that sends requests to its worker. */
async function tab(browser, url) {
  const page = await browser.newPage();
  page.on("console", (message) => message.type() === "error" && console.error(message.text()));
  await page.goto(url);
  const ask = (name, options = {}) => page.evaluate(([name, options]) => window.ask(name, options), [name, options]);
  return { page, ask };
}

async function measure(browser, url, device, rounds) {
  const { page, ask } = await tab(browser, url);
  const plan = { ...PLANS[device], ...(rounds ? { rounds } : {}) };
  const { modules, steps } = plan;
  const { name } = await ask("open", { device, modules, sizes: SIZES });
  // All compile their kernels before the first measured round.
  for (const module of modules) await ask("ours", { module, config: CONFIG, steps: 1 });
  await ask("peer", { steps: 1 });
  const ours = modules.map((module) => ({ module, times: [] }));
  const peer = { times: [] };
  for (let round = 0; round < plan.rounds; round++) {
    for (const { module, times } of ours) times.push((await ask("ours", { module, config: CONFIG, steps })).value);
    peer.times.push((await ask("peer", { steps })).value);
  }
  const calls = device === "webgpu" ? await perStep(ask) : null;
  await page.close();
  peer.ms = median(peer.times);
  for (const side of ours) {
    side.ms = median(side.times);
    side.ratio = side.ms / peer.ms;
  }
  return { device, name, rounds: plan.rounds, steps, ours, peer, calls };
}

/** Calls of one step: half the difference between three steps and one. */
async function perStep(ask) {
  const one = (await ask("ours", { module: "gpu", config: CONFIG, steps: 1 })).counts;
  const three = (await ask("ours", { module: "gpu", config: CONFIG, steps: 3 })).counts;
  const ours = Object.fromEntries(Object.keys(one).map((key) => [key, (three[key] - one[key]) / 2]));
  const peer = (await ask("peer", { steps: 1 })).counts;
  return { ours, peer };
}

/** The page's preset on WebGPU, with nothing else open in the browser. */
export async function benchPreset({ rounds = 5, steps = 3, config = preset(PAGE) } = {}) {
  return inBrowser(async (browser, url) => {
    const { page, ask } = await tab(browser, url);
    const module = "gpu";
    const { name } = await ask("open", { device: "webgpu", modules: [module] });
    // Kernels are compiled before the first measured round.
    await ask("ours", { module, config, steps: 1 });
    const times = [];
    for (let round = 0; round < rounds; round++) times.push((await ask("ours", { module, config, steps })).value);
    await page.close();
    return { preset: PAGE, name, rounds, steps, ours: median(times), times };
  });
}

function show({ device, name, rounds, steps, ours, peer, calls }) {
  console.log(bold(`\n${device}: ${name}`));
  console.log(dim(`width 128, 4 heads, batch 12 × 64, vocabulary 65; median of ${rounds} rounds of ${steps} steps`));
  for (const { module, ms, ratio, times } of ours) {
    console.log(
      `  ours, 2 blocks × 2 cycles, ${module.padEnd(11)}  ${ms.toFixed(1)} ms a step  (${range(times)}), ` +
        `${ratio.toFixed(2)} of jax-js`,
    );
  }
  console.log(`  jax-js, 4 layers                        ${peer.ms.toFixed(1)} ms a step  (${range(peer.times)})`);
  for (const [side, c] of Object.entries(calls ?? {})) {
    console.log(
      `  ${side.padEnd(5)} a step: ${c.dispatches} dispatches, ${c.submits} submits, ` +
        `${c.writes} writes of ${bytes(c.writtenBytes)}, ${c.reads} read-backs`,
    );
  }
}

function showPreset({ preset, name, rounds, steps, ours, times }) {
  console.log(bold(`\nwebgpu: ${name}`));
  console.log(dim(`preset ${preset}, alone in the browser; median of ${rounds} rounds of ${steps} steps`));
  console.log(`  ours                        ${ours.toFixed(1)} ms a step  (${range(times)})`);
}

function options() {
  const { values } = parseArgs({
    options: {
      device: { type: "string", default: "both" },
      rounds: { type: "string" },
      json: { type: "boolean", default: false },
    },
  });
  const devices = values.device === "both" ? ["cpu", "webgpu"] : [values.device];
  const rounds = values.rounds === undefined ? 0 : Number(values.rounds);
  if (!devices.every((device) => device in PLANS) || !(Number.isInteger(rounds) && rounds >= 0)) {
    throw new UserError("usage: bench-browser.mjs [--device cpu|webgpu|both] [--rounds N] [--json]");
  }
  return { devices, rounds, json: values.json };
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await main(async () => {
    const { json, ...wanted } = options();
    await installPackages();
    await buildWasm();
    const results = await benchBrowser(wanted);
    const small = wanted.devices.includes("webgpu") ? await benchPreset() : null;
    if (json) return console.log(JSON.stringify({ devices: results, preset: small }, null, 2));
    results.forEach(show);
    if (small) showPreset(small);
  });
}
