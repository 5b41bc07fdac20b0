// npm run build: writes the static site to web/dist. All its addresses are relative,
// so it can be served from any sub-path.

import { cpSync, existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";

import { exportCorpora } from "./lib/corpus.mjs";
import { digest } from "./lib/inputs.mjs";
import { bases, checkpoints, checkpointsOut, dist, web } from "./lib/paths.mjs";
import { run } from "./lib/run.mjs";
import { bold, duration, main, step } from "./lib/terminal.mjs";
import { installPackages, requireRust } from "./lib/tools.mjs";
import { buildWasm } from "./wasm.mjs";

/** What compresses well, and is large enough to be worth it. */
const COMPRESSED = new Set([".html", ".js", ".css", ".json", ".txt", ".csv", ".svg", ".wasm"]);
const SMALLEST = 1024;

const stamp = join(dist, ".state");
const [brotli, zip] = [promisify(brotliCompress), promisify(gzip)];

export async function buildSite() {
  requireRust();
  await installPackages();
  await exportCorpora();
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
  const state = digest(["web", "configs", "assets", "README.md"]);
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === state) return "unchanged";
  await run("npm", ["run", "build", "--silent"], { cwd: web });
  // The base model of the questions page, where scripts/bases.mjs has put it.
  if (existsSync(bases)) cpSync(bases, join(dist, "bases"), { recursive: true });
  await compress(dist);
  // The state before the build: a file that was saved during it is built next time.
  writeFileSync(stamp, state);
  return undefined;
}

/** Puts a Brotli and a gzip file beside each, for servers that take them. */
export async function compress(folder) {
  const names = readdirSync(folder, { recursive: true }).filter((name) => COMPRESSED.has(extname(name)));
  await Promise.all(
    names.map(async (name) => {
      const path = join(folder, name);
      const data = await readFile(path);
      if (data.length < SMALLEST) return;
      const quality = { [constants.BROTLI_PARAM_QUALITY]: 9 };
      await writeFile(`${path}.br`, await brotli(data, { params: quality }));
      await writeFile(`${path}.gz`, await zip(data));
    }),
  );
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const took = await main(buildSite);
  console.log(`\n${bold("web/dist")} contains the site (${duration(took)}).`);
}
