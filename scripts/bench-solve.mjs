// Measures the time that the supplied solvers need for one puzzle, all supervision
// steps, on the CPU in headless Chromium.
//
//   node scripts/bench-solve.mjs [--puzzles N] [--json]

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

import { median, range } from "./bench/figures.mjs";
import { launch } from "./lib/browser.mjs";
import { checkpoints } from "./lib/paths.mjs";
import { UserError, bold, dim, main } from "./lib/terminal.mjs";
import { buildSite } from "./build.mjs";
import { serve } from "./serve.mjs";

/** Puzzles that are not timed: the browser is still compiling the module. */
const WARM_UP = 2;

export async function benchSolve({ puzzles, folder }) {
  const manifest = JSON.parse(readFileSync(join(checkpoints, "manifest.json"), "utf8"));
  const solvers = manifest.checkpoints.filter(({ variant }) => variant === "trm");
  const site = await serve({ folder });
  const browser = await launch();
  try {
    const page = await browser.newPage();
    await page.goto(`${site.url}puzzles.html`);
    const rows = [];
    for (const { name, file, dataset, config } of solvers) {
      const asked = { file, kind: dataset, steps: config.model.halt_max_steps, count: puzzles + WARM_UP };
      const answered = (await page.evaluate(solve, asked)).slice(WARM_UP);
      const times = answered.map(({ ms }) => ms);
      const solved = answered.filter((each) => each.solved).length;
      rows.push({ name, steps: asked.steps, ms: median(times), range: range(times), puzzles, solved });
    }
    return rows;
  } finally {
    await browser.close();
    await site.close();
  }
}

/** Runs in the page, with its own session, independent of the page's worker. */
async function solve({ file, kind, steps, count }) {
  const module = await import(new URL("wasm/cpu-puzzles-relaxed/trm_wasm.js", location.href).href);
  await module.default();
  const session = await module.Session.open();
  const ask = async (command) => {
    const event = await session.handle(command);
    if (event.type === "failed") throw new Error(event.failure.message);
    return event;
  };
  const bytes = await (await fetch(`checkpoints/${file}`)).arrayBuffer();
  await ask({ type: "load", checkpoint: new Uint8Array(bytes), optimizer: null, data: null, base: null });
  const answered = [];
  for (let seed = 1; seed <= count; seed++) {
    const input = { type: "made", min_guesses: 0, max_guesses: 0, seed };
    const { puzzle } = await ask({ type: "check_puzzle", kind, input });
    const began = performance.now();
    const command = { type: "solve_puzzle", kind, puzzle: puzzle.tokens, steps, top: 4, copy: 0 };
    const { checks } = await ask(command);
    answered.push({ ms: performance.now() - began, solved: checks.at(-1).solved });
  }
  return answered;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await main(async () => {
    const { values } = parseArgs({
      options: { puzzles: { type: "string", default: "20" }, json: { type: "boolean", default: false } },
    });
    const puzzles = Number(values.puzzles);
    if (!Number.isInteger(puzzles) || puzzles < 1) throw new UserError("usage: bench-solve.mjs [--puzzles N] [--json]");
    await buildSite();
    const rows = await benchSolve({ puzzles });
    if (values.json) {
      console.log(JSON.stringify(rows, null, 2));
      return;
    }
    console.log(bold("\nOne puzzle, all supervision steps, CPU"));
    for (const { name, steps, ms, range: spread, solved } of rows) {
      console.log(
        `  ${name.padEnd(12)} ${steps} steps  ${ms.toFixed(0)} ms  ${dim(`(${spread}; ${solved} of ${puzzles} solved)`)}`,
      );
    }
  });
}
