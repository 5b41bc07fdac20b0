// The sizes of the site's files as they are sent, and their limits. With --exact also the
// least that Brotli makes of the modules, which takes minutes.
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

/** A CPU module with the JavaScript that loads it, and the same for browsers with relaxed SIMD. */
const cpuModules = (name, folder, limit) =>
  ["", "-relaxed"].map((variant) => ({
    name: `CPU module${name}${variant && ", relaxed SIMD"}`,
    compressed: "brotli",
    limit,
    files: (path) => path.startsWith(`wasm/${folder}${variant}/`),
  }));

const LIMITS = [
  // Every module holds the settings of all models. The same source gives 2 % more or less in
  // another folder, since the compiler divides a crate by names that depend on it; the limits
  // leave room for that.
  ...cpuModules("", "cpu", 680e3),
  // Larger: masks and comparisons of every number type, and the ARC tasks.
  ...cpuModules(" for puzzles", "cpu-puzzles", 755e3),
  // With workers that share updates; the digits are a file of their own.
  ...cpuModules(" for images", "cpu-images", 645e3),
  // With decoders, the reader of GGUF files, and the tokenizer with its tables of characters.
  ...cpuModules(" for questions", "cpu-questions", 1040e3),
  // Of all pages but Questions, and of that page.
  ...["gpu", "gpu-questions"].map((folder) => ({
    name: `GPU module${folder === "gpu" ? "" : " for questions"}`,
    compressed: "brotli",
    limit: 3.1e6,
    files: (path) => path.startsWith(`wasm/${folder}/`),
  })),
  {
    // Of all four rooms and the pages beside them; a page loads about a third.
    name: "page code",
    compressed: "gzip",
    limit: 193e3,
    files: atOnce,
  },
  {
    name: "page code, on demand",
    compressed: "gzip",
    limit: 25e3,
    files: (path) => isCode(path) && !atOnce(path),
  },
];

/** What is sent of a file. */
const SENT = {
  gzip: (path) => gzipSync(readFileSync(path), { level: 9 }).length,
  // The build has put it beside all but the smallest files.
  brotli: (path) => (statSync(`${path}.br`, { throwIfNoEntry: false }) ?? statSync(path)).size,
};

/** The least that Brotli makes of a file: the GPU module takes it a minute. */
function smallest(path) {
  const data = readFileSync(path);
  const { BROTLI_PARAM_LGWIN: window, BROTLI_PARAM_SIZE_HINT: size } = constants;
  return brotliCompressSync(data, { params: { [window]: 24, [size]: data.length } }).length;
}

const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);

/** `only`: the name of the one that is wanted. `exact`: also the least that Brotli makes of a module. */
export function sizes({ exact = false, only } = {}) {
  if (!statSync(dist, { throwIfNoEntry: false }))
    throw new UserError("There is no web/dist yet: `npm run build` builds it.");
  const shipped = files([relative(root, dist)])
    .filter((path) => !/\.(br|gz)$/.test(path))
    .map((path) => ({ path, name: relative(dist, path) }));
  return LIMITS.filter(({ name }) => !only || name === only).map(({ name, compressed, limit, files: belongs }) => {
    const parts = shipped.filter((file) => belongs(file.name)).map(({ path }) => path);
    if (!parts.length) throw new UserError(`web/dist has no ${name}: \`npm run build\` makes it whole.`);
    const squeezed = sum(parts.map(SENT[compressed]));
    const best = exact && compressed === "brotli" ? sum(parts.map(smallest)) : undefined;
    const raw = sum(parts.map((path) => statSync(path).size));
    return { name, raw, compressed, squeezed, best, limit, kept: squeezed <= limit };
  });
}

export function checkSizes(options) {
  const rows = sizes(options);
  for (const { name, raw, compressed, squeezed, best, limit, kept } of rows) {
    const mark = kept ? green("✓") : red("✗");
    const least = best === undefined ? "" : `, at best ${bytes(best)}`;
    console.log(`  ${mark} ${name}: ${bytes(raw)}, ${bytes(squeezed)} ${compressed} (limit ${bytes(limit)})${least}`);
  }
  const over = rows.filter((row) => !row.kept).map((row) => row.name);
  if (over.length) throw new UserError(`Over the limit: ${over.join(", ")}.`);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await main(() => checkSizes({ exact: process.argv.includes("--exact") }));
}
