// Builds the browser's modules from the one crate trm-wasm: `cpu` for language
// models and `cpu-puzzles` for puzzle solvers, so that neither room waits for the
// other's code; and `gpu` for both, which is fetched only where there is an adapter.
//
//   node scripts/wasm.mjs [cpu] [cpu-puzzles] [gpu]
//
// A module is built once for each state of its sources: the finished files are
// kept under the target directory by digest, and a build that finds them only
// copies.

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
import { run, output } from "./lib/run.mjs";
import { bytes, duration, main, note, step } from "./lib/terminal.mjs";
import { installPackages, requireRust, installWasmBindgen, installWasmTarget } from "./lib/tools.mjs";

export const KINDS = ["cpu", "cpu-puzzles", "gpu"];

/** Cargo features of a kind; `test` is what the tests in the browser use. */
const FEATURES = {
  cpu: "cpu,language",
  "cpu-puzzles": "cpu,puzzles",
  gpu: "gpu,language,puzzles",
  test: "cpu,language,puzzles",
};

/** What decides a module's bytes, beside the compiler. */
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

/** Finished modules kept for each kind: the last few states of the sources. */
const KEPT = 4;

const EXPECTED = {
  cpu: "the first build compiles Burn for the browser: 3 to 8 minutes on two cores",
  "cpu-puzzles": "after the other CPU module, the first build takes about a minute",
  gpu: "the first build compiles Burn and its WebGPU side: 6 to 15 minutes on two cores",
};

/** Crates of the CPU modules in which no time is spent while training. */
const SMALL = [
  ...["burn-flex", "burn-std", "burn-autodiff", "burn-dispatch"],
  ...["serde", "serde_core", "serde_json", "serde-wasm-bindgen", "safetensors"],
  ...["trm-spec", "trm-data", "trm-core", "trm-train", "trm-wasm"],
];

/**
 * The arguments of cargo that build a kind, or the tests in the browser. The CPU
 * backend, which is instantiated for every number type, and whatever only steers
 * are compiled for size: what trains is in our own kernels and in gemm, and the
 * module comes out smaller and no slower.
 */
export function features(kind) {
  const crates = kind === "gpu" ? [] : SMALL;
  const small = crates.flatMap((name) => ["--config", `profile.release.package.${name}.opt-level="s"`]);
  return ["--no-default-features", "--features", FEATURES[kind], ...small];
}

export async function buildWasm(kinds = KINDS) {
  requireRust();
  await installWasmTarget();
  await withBuildLock(async () => {
    for (const kind of kinds) await step(`WebAssembly module ${kind}`, () => module(kind), EXPECTED[kind]);
  });
}

async function module(kind) {
  const state = digest(SOURCES, kind, output("rustc", ["--version"]));
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
  // No wasm-opt: on top of LLVM it gains no speed here, and although the module
  // gets smaller, its brotli, which is what travels, grows by a tenth.
  note(bytes(statSync(join(folder, "trm_wasm_bg.wasm")).size));
}

async function timed(name, work) {
  const began = performance.now();
  await work();
  note(`${name} ${duration(performance.now() - began)}`);
}

/** Puts a finished module where the page looks for it, unless it is there. */
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

/** Drops all but the most recently used states. */
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
    await installPackages();
    await buildWasm(kinds.length ? kinds : KINDS);
  });
}
