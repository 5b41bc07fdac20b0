// Measures a training step in headless Chromium beside the npm package
// @jax-js/jax doing the same compute, on the CPU (one thread each) and on
// WebGPU. The two sides take turns in one run; medians and their ratio are
// printed.
//
//   node scripts/bench-browser.mjs [--device cpu|webgpu|both] [--rounds N] [--json]

import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

import { WEBGPU, launch } from "./lib/browser.mjs";
import { root, wasmOut } from "./lib/paths.mjs";
import { Trouble, bold, bytes, dim, main } from "./lib/say.mjs";
import { packages } from "./lib/tools.mjs";
import { serve } from "./serve.mjs";
import { buildWasm } from "./wasm.mjs";

/** Ours: 2 blocks × 2 cycles, which multiplies as much as the peer's 4 layers. */
const CONFIG = {
  model: { variant: "causal", hidden_size: 128, num_heads: 4, n_layers: 2, recursion_steps: 2, block_size: 64 },
  train: { batch_size: 12, lr_schedule: "constant", warmup_iters: 0 },
};
const SIZES = { batch: 12, seq: 64, width: 128, heads: 4, inner: 512, layers: 4, vocab: 65 };

/** Rounds, and steps in a round: a software adapter needs seconds for one step. */
const PLANS = { cpu: { rounds: 9, steps: 5 }, webgpu: { rounds: 3, steps: 1 } };

export async function benchBrowser({ devices, rounds }) {
  const site = await serve({
    folder: join(root, "scripts/bench"),
    mounts: { "/jax/": join(root, "node_modules/@jax-js/jax/dist"), "/wasm/": wasmOut },
  });
  const browser = await launch(WEBGPU);
  try {
    const results = [];
    for (const device of devices) results.push(await measure(browser, site.url, device, rounds));
    return results;
  } finally {
    await browser.close();
    await site.close();
  }
}

async function measure(browser, url, device, rounds) {
  const page = await browser.newPage();
  page.on("console", (message) => message.type() === "error" && console.error(message.text()));
  await page.goto(url);
  const ask = (name, options = {}) => page.evaluate(([name, options]) => window.ask(name, options), [name, options]);
  const plan = { ...PLANS[device], ...(rounds ? { rounds } : {}) };
  const { name } = await ask("open", { device, sizes: SIZES });
  // Both sides have compiled their kernels before the first counted round.
  await ask("ours", { config: CONFIG, steps: 1 });
  await ask("peer", { steps: 1 });
  const times = { ours: [], peer: [] };
  for (let round = 0; round < plan.rounds; round++) {
    times.ours.push((await ask("ours", { config: CONFIG, steps: plan.steps })).value);
    times.peer.push((await ask("peer", { steps: plan.steps })).value);
  }
  const calls = device === "webgpu" ? await perStep(ask) : null;
  await page.close();
  const ours = median(times.ours);
  const peer = median(times.peer);
  return { device, name, rounds: plan.rounds, steps: plan.steps, ours, peer, ratio: ours / peer, times, calls };
}

/** Calls of one step: what a probe of three steps makes beyond one of one step, halved. */
async function perStep(ask) {
  const one = (await ask("ours", { config: CONFIG, steps: 1 })).counts;
  const three = (await ask("ours", { config: CONFIG, steps: 3 })).counts;
  const ours = Object.fromEntries(Object.keys(one).map((key) => [key, (three[key] - one[key]) / 2]));
  const peer = (await ask("peer", { steps: 1 })).counts;
  return { ours, peer };
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

function show({ device, name, rounds, steps, ours, peer, ratio, times, calls }) {
  const range = (values) => `${Math.min(...values).toFixed(0)}–${Math.max(...values).toFixed(0)}`;
  console.log(bold(`\n${device}: ${name}`));
  console.log(dim(`width 128, 4 heads, batch 12 × 64, vocabulary 65; median of ${rounds} rounds of ${steps} steps`));
  console.log(`  ours (2 blocks × 2 cycles)  ${ours.toFixed(1)} ms a step  (${range(times.ours)})`);
  console.log(`  jax-js (4 layers)           ${peer.toFixed(1)} ms a step  (${range(times.peer)})`);
  console.log(`  ours / jax-js               ${ratio.toFixed(2)}`);
  for (const [side, c] of Object.entries(calls ?? {})) {
    console.log(
      `  ${side.padEnd(5)} a step: ${c.dispatches} dispatches, ${c.submits} submits, ` +
        `${c.writes} writes of ${bytes(c.writtenBytes)}, ${c.reads} read-backs`,
    );
  }
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
    throw new Trouble("usage: bench-browser.mjs [--device cpu|webgpu|both] [--rounds N] [--json]");
  }
  return { devices, rounds, json: values.json };
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await main(async () => {
    const { json, ...wanted } = options();
    await packages();
    await buildWasm();
    const results = await benchBrowser(wanted);
    if (json) console.log(JSON.stringify(results, null, 2));
    else results.forEach(show);
  });
}
