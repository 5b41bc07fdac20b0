// Builds the browser's WebAssembly modules from the crate trm-wasm: for every page one
// that computes on the CPU and holds only the page's family of models, so that each
// loads quickly, and the same for browsers with relaxed SIMD; and for WebGPU one for
// questions and one for all other families, fetched only where there is an adapter.
//
//   node scripts/wasm.mjs [cpu] [cpu-relaxed] [cpu-puzzles] [gpu]
//
// A module is built once for each state of its sources: the finished files are kept
// under the target directory by digest, and a build that finds them only copies.

import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
} from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import { digest } from "./lib/inputs.mjs";
import { withBuildLock } from "./lib/lock.mjs";
import { cache, target, wasmOut } from "./lib/paths.mjs";
import { ROOMS } from "./lib/rooms.mjs";
import { output, run } from "./lib/run.mjs";
import { UserError, bytes, duration, main, note, step } from "./lib/terminal.mjs";
import { installPackages, installWasmBindgen, installWasmTarget, requireRust } from "./lib/tools.mjs";

/** Cargo features of the modules that ship, by kind, which is the folder of the module. */
const SHIPPED = {};
for (const { modules, family } of ROOMS) {
  SHIPPED[modules.cpu] = `cpu,${family}`;
  SHIPPED[`${modules.cpu}-relaxed`] = `cpu,${family},relaxed-simd`;
}
// Last, and with the families of all pages that share it.
for (const { modules, family } of ROOMS) SHIPPED[modules.gpu] = `${SHIPPED[modules.gpu] ?? "gpu"},${family}`;

const FAMILIES = ROOMS.map(({ family }) => family);

/**
 * Cargo features by kind; `test` is for the tests in Chromium, which has relaxed SIMD. They
 * also train the model of docs/adding-a-model.md, which exists under a feature only.
 */
export const FEATURE_SETS = { ...SHIPPED, test: `cpu,relaxed-simd,toy-model,${FAMILIES.join(",")}` };

export const KINDS = Object.keys(SHIPPED);

/** The sources of a module, beside the compiler. */
const SOURCES = [
  "Cargo.toml",
  "Cargo.lock",
  ".cargo/config.toml",
  ...["spec", "data", "kernels", "core", "train", "wasm"].flatMap((name) => [
    `crates/trm-${name}/Cargo.toml`,
    `crates/trm-${name}/src`,
    `crates/trm-${name}/build.rs`,
  ]),
  "scripts/wasm.mjs",
];

const isGpu = (kind) => FEATURE_SETS[kind].startsWith("gpu,");

/** Finished modules that are kept for each kind, the most recently used. */
const KEPT = 4;

const EXPECTED = {
  cpu: "the first build compiles Burn for the browser: about 2 minutes on two cores; a second CPU module takes one",
  gpu: "the first build compiles Burn and its WebGPU side: about 5 minutes on two cores",
};

/** Crates of the CPU modules in which training spends no time, although it does natively. */
const SMALL = ["burn-flex", "trm-data", "trm-core", "trm-train"];

/**
 * The arguments of cargo that build a kind. In the CPU modules, burn-flex, which is
 * compiled for every number type, and what only controls the computation are compiled
 * for size: training spends its time in trm-kernels and gemm, and the module is
 * smaller and not slower.
 */
export function features(kind) {
  const crates = isGpu(kind) ? [] : SMALL;
  const small = crates.flatMap((name) => [`package.${name}.opt-level="s"`, `package.${name}.codegen-units=1`]);
  // wasm-bindgen reads the section of target features, which `strip = "symbols"` removes.
  const profile = ['strip="debuginfo"', ...small].flatMap((set) => ["--config", `profile.release.${set}`]);
  return ["--no-default-features", "--features", FEATURE_SETS[kind], ...profile];
}

export async function buildWasm(kinds = KINDS) {
  requireRust();
  await installWasmTarget();
  await withBuildLock(async () => {
    for (const kind of kinds)
      await step(`WebAssembly module ${kind}`, () => module(kind), isGpu(kind) ? EXPECTED.gpu : EXPECTED.cpu);
  });
}

async function module(kind) {
  const state = digest(SOURCES, kind, FEATURE_SETS[kind], output("rustc", ["--version"]));
  const store = join(cache, "wasm", kind);
  const finished = join(store, state);
  const kept = existsSync(finished);
  if (!kept) {
    await installWasmBindgen();
    await compile(kind, `${finished}.part`);
    rmSync(finished, { recursive: true, force: true });
    renameSync(`${finished}.part`, finished);
  }
  const now = new Date();
  utimesSync(finished, now, now);
  forget(store);
  publish(kind, finished);
  return kept ? "unchanged" : undefined;
}

async function compile(kind, folder) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const cargo = ["build", "--release", "--target", "wasm32-unknown-unknown", "-p", "trm-wasm", ...features(kind)];
  // RUSTFLAGS from outside would replace the ones in .cargo/config.toml.
  await run("cargo", cargo, { env: { RUSTFLAGS: undefined } });
  const built = join(target, "wasm32-unknown-unknown/release/trm_wasm.wasm");
  await timed("wasm-bindgen", () =>
    run("wasm-bindgen", [
      built,
      "--target",
      "web",
      "--out-dir",
      folder,
      "--no-typescript",
      "--remove-name-section",
      "--remove-producers-section",
    ]),
  );
  // No wasm-opt: it gains no speed after LLVM, and although the module gets smaller,
  // its brotli form, which is what is transferred, grows by a tenth.
  note(bytes(statSync(join(folder, "trm_wasm_bg.wasm")).size));
}

async function timed(name, work) {
  const began = performance.now();
  await work();
  note(`${name} ${duration(performance.now() - began)}`);
}

/** Copies a finished module to where the page loads it from, unless it is there. */
function publish(kind, finished) {
  const folder = join(wasmOut, kind);
  const same = readdirSync(finished).every((name) => {
    const there = join(folder, name);
    return existsSync(there) && readFileSync(there).equals(readFileSync(join(finished, name)));
  });
  if (same) return;
  rmSync(folder, { recursive: true, force: true });
  cpSync(finished, folder, { recursive: true });
}

/** Deletes all but the most recently used states. */
function forget(store) {
  const states = readdirSync(store)
    .filter((name) => !name.endsWith(".part"))
    .map((name) => ({ path: join(store, name), used: statSync(join(store, name)).mtimeMs }))
    .sort((a, b) => b.used - a.used);
  for (const { path } of states.slice(KEPT)) rmSync(path, { recursive: true });
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const kinds = process.argv.slice(2);
  await main(async () => {
    const unknown = kinds.filter((kind) => !KINDS.includes(kind));
    if (unknown.length) throw new UserError(`Unknown module: ${unknown.join(", ")}. Modules: ${KINDS.join(", ")}.`);
    await installPackages();
    await buildWasm(kinds.length ? kinds : KINDS);
  });
}
