// Sizes of what the site ships, and the limits they must keep.
//
//   node scripts/sizes.mjs     after npm run build

import { readFileSync, statSync } from "node:fs";
import { extname, join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

import { files } from "./lib/inputs.mjs";
import { dist, root } from "./lib/paths.mjs";
import { Trouble, bytes, green, main, red } from "./lib/say.mjs";

/** Page code is what a browser reads before any module, text or checkpoint. */
const CODE = new Set([".html", ".js", ".css"]);

const LIMITS = [
  {
    name: "CPU module",
    compressed: "brotli",
    limit: 500e3,
    files: (path) => path.startsWith("wasm/cpu/") && path.endsWith(".wasm"),
  },
  {
    name: "GPU module",
    compressed: "brotli",
    limit: 3.0e6,
    files: (path) => path.startsWith("wasm/gpu/") && path.endsWith(".wasm"),
  },
  { name: "page code", compressed: "gzip", limit: 120e3, files: (path) => CODE.has(extname(path)) },
];

const SQUEEZE = {
  gzip: (data) => gzipSync(data, { level: 9 }).length,
  // Quality 9 compresses the GPU module in a second where 11 takes a minute;
  // it comes out larger, so a limit kept here is kept.
  brotli: (data) =>
    brotliCompressSync(data, {
      params: {
        [constants.BROTLI_PARAM_QUALITY]: Number(process.env.BROTLI_QUALITY ?? 9),
        [constants.BROTLI_PARAM_LGWIN]: 24,
        [constants.BROTLI_PARAM_SIZE_HINT]: data.length,
      },
    }).length,
};

export function sizes() {
  if (!statSync(dist, { throwIfNoEntry: false }))
    throw new Trouble("There is no web/dist yet: `npm run build` makes it.");
  const shipped = files([relative(root, dist)]).map((path) => ({ path, name: relative(dist, path) }));
  return LIMITS.map(({ name, compressed, limit, files: belongs }) => {
    const parts = shipped.filter((file) => belongs(file.name)).map((file) => readFileSync(file.path));
    if (!parts.length) throw new Trouble(`web/dist has no ${name}: \`npm run build\` makes it whole.`);
    const raw = parts.reduce((sum, data) => sum + data.length, 0);
    const squeezed = parts.reduce((sum, data) => sum + SQUEEZE[compressed](data), 0);
    return { name, raw, compressed, squeezed, limit, kept: squeezed <= limit };
  });
}

export function checkSizes() {
  const rows = sizes();
  for (const { name, raw, compressed, squeezed, limit, kept } of rows) {
    const mark = kept ? green("✓") : red("✗");
    console.log(`  ${mark} ${name}: ${bytes(raw)}, ${bytes(squeezed)} ${compressed} (limit ${bytes(limit)})`);
  }
  const over = rows.filter((row) => !row.kept).map((row) => row.name);
  if (over.length) throw new Trouble(`Over the limit: ${over.join(", ")}.`);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await main(checkSizes);
