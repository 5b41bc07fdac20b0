// npm run build: the whole static site into web/dist. It may be served from any
// sub-path, since every address in it is relative.

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

/** The trained models that the page ships; it works without any. */
export function shipCheckpoints() {
  rmSync(checkpointsOut, { recursive: true, force: true });
  if (existsSync(checkpoints)) cpSync(checkpoints, checkpointsOut, { recursive: true });
}

/** The page's own code; skipped when neither it nor anything it ships has changed. */
async function page() {
  const state = digest(["web", "configs", "assets"]);
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === state) return "unchanged";
  await run("npm", ["run", "build", "--silent"], { cwd: web });
  // The state before the build: a file saved while it ran is built next time.
  writeFileSync(stamp, state);
  return undefined;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const took = await main(buildSite);
  console.log(`\n${bold("web/dist")} holds the site, ${duration(took)}.`);
}
