// npm run build: writes the static site to web/dist. All its addresses are relative,
// so it can be served from any sub-path.

import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import { exportCorpus } from "./lib/corpus.mjs";
import { digest } from "./lib/inputs.mjs";
import { checkpoints, checkpointsOut, dist, web } from "./lib/paths.mjs";
import { run } from "./lib/run.mjs";
import { bold, duration, main, step } from "./lib/terminal.mjs";
import { installPackages, requireRust } from "./lib/tools.mjs";
import { buildWasm } from "./wasm.mjs";

const stamp = join(dist, ".state");

export async function buildSite() {
  requireRust();
  await installPackages();
  await exportCorpus();
  await buildWasm();
  shipCheckpoints();
  await step("Page", page);
}

/** Copies the trained models that ship with the page, which works without them. */
export function shipCheckpoints() {
  rmSync(checkpointsOut, { recursive: true, force: true });
  if (existsSync(checkpoints)) cpSync(checkpoints, checkpointsOut, { recursive: true });
}

/** Builds the page's code, unless neither it nor any file it contains has changed. */
async function page() {
  const state = digest(["web", "configs", "assets"]);
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === state) return "unchanged";
  await run("npm", ["run", "build", "--silent"], { cwd: web });
  // The state before the build: a file that was saved during it is built next time.
  writeFileSync(stamp, state);
  return undefined;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const took = await main(buildSite);
  console.log(`\n${bold("web/dist")} contains the site (${duration(took)}).`);
}
