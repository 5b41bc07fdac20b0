// The sizes of the site's files, and their limits.
//
//   node scripts/sizes.mjs [--exact]     after npm run build

import { readFileSync, readdirSync, statSync } from "node:fs";
import { extname, join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

import { files } from "./lib/inputs.mjs";
import { dist, root } from "./lib/paths.mjs";
import { UserError, bytes, green, main, red } from "./lib/terminal.mjs";

const CODE = new Set([".html", ".js", ".css"]);

/** Page code of all pages that a browser loads at once, and what it loads when it is wanted. */
const isCode = (path) => CODE.has(extname(path)) && !path.startsWith("wasm/");
const atOnce = (path) => isCode(path) && (named().has(path) || path.endsWith(".html") || /\bworker-/.test(path));

/** The files that the HTML names: the code of each page, what it imports, and its styles. */
let names;
function named() {
  names ??= new Set(
    readdirSync(dist)
      .filter((name) => name.endsWith(".html"))
      .flatMap((name) =>
        [...readFileSync(join(dist, name), "utf8").matchAll(/assets\/[\w.-]+/g)].map(([path]) => path),
      ),
  );
  return names;
}

/**
 * A CPU module with the JavaScript that loads it, and the same for browsers with relaxed SIMD:
 * the second differs little, and gzip takes a moment where brotli takes a minute.
 */
const cpuModules = (name, folder, brotli, gzip) => [
  {
    name: `CPU module${name}`,
    compressed: "brotli",
    limit: brotli,
    files: (path) => path.startsWith(`wasm/${folder}/`),
  },
  {
    name: `CPU module${name}, relaxed SIMD`,
    compressed: "gzip",
    limit: gzip,
    files: (path) => path.startsWith(`wasm/${folder}-relaxed/`),
  },
];

const LIMITS = [
  // Every module holds the settings of all models. The same source gives 2 % more or less in
  // another folder, since the compiler divides a crate by names that depend on it; the limits
  // leave room for that.
  ...cpuModules("", "cpu", 595e3, 885e3),
  // Larger: masks and comparisons of every number type, and the ARC tasks.
  ...cpuModules(" for puzzles", "cpu-puzzles", 675e3, 995e3),
  // With workers that share updates; the digits are a file of their own.
  ...cpuModules(" for images", "cpu-images", 590e3, 855e3),
  // With decoders, the reader of GGUF files, and the tokenizer with its tables of characters.
  ...cpuModules(" for questions", "cpu-questions", 940e3, 1405e3),
  {
    name: "GPU module",
    compressed: "brotli",
    limit: 3.0e6,
    files: (path) => path.startsWith("wasm/gpu/"),
  },
  {
    // Of all four rooms and the pages beside them; a page loads about a third.
    name: "page code",
    compressed: "gzip",
    limit: 190e3,
    files: atOnce,
  },
  {
    name: "page code, on demand",
    compressed: "gzip",
    limit: 25e3,
    files: (path) => isCode(path) && !atOnce(path),
  },
];

const SQUEEZE = {
  gzip: (data, quality) => gzipSync(data, { level: Math.min(quality, 9) }).length,
  brotli: (data, quality) =>
    brotliCompressSync(data, {
      params: {
        [constants.BROTLI_PARAM_QUALITY]: quality,
        [constants.BROTLI_PARAM_LGWIN]: 24,
        [constants.BROTLI_PARAM_SIZE_HINT]: data.length,
      },
    }).length,
};

/**
 * Brotli at its best quality takes a minute for the GPU module; at quality 9 it
 * takes seconds and gives a larger result. The best is computed only with --exact,
 * or when the larger result is over the limit.
 */
function squeeze(parts, compressed, limit, exact) {
  const total = (quality) => parts.reduce((sum, data) => sum + SQUEEZE[compressed](data, quality), 0);
  const quick = exact ? Infinity : total(9);
  return quick <= limit ? quick : total(11);
}

/** `only`: the name of the one that is wanted. */
export function sizes({ exact = false, only } = {}) {
  if (!statSync(dist, { throwIfNoEntry: false }))
    throw new UserError("There is no web/dist yet: `npm run build` builds it.");
  const shipped = files([relative(root, dist)])
    .filter((path) => !/\.(br|gz)$/.test(path))
    .map((path) => ({ path, name: relative(dist, path) }));
  return LIMITS.filter(({ name }) => !only || name === only).map(({ name, compressed, limit, files: belongs }) => {
    const parts = shipped.filter((file) => belongs(file.name)).map((file) => readFileSync(file.path));
    if (!parts.length) throw new UserError(`web/dist has no ${name}: \`npm run build\` makes it whole.`);
    const raw = parts.reduce((sum, data) => sum + data.length, 0);
    const squeezed = squeeze(parts, compressed, limit, exact);
    return { name, raw, compressed, squeezed, limit, kept: squeezed <= limit };
  });
}

export function checkSizes(options) {
  const rows = sizes(options);
  for (const { name, raw, compressed, squeezed, limit, kept } of rows) {
    const mark = kept ? green("✓") : red("✗");
    console.log(`  ${mark} ${name}: ${bytes(raw)}, ${bytes(squeezed)} ${compressed} (limit ${bytes(limit)})`);
  }
  const over = rows.filter((row) => !row.kept).map((row) => row.name);
  if (over.length) throw new UserError(`Over the limit: ${over.join(", ")}.`);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await main(() => checkSizes({ exact: process.argv.includes("--exact") }));
}
