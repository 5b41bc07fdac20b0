// Paths. All scripts take them from here, so that CARGO_TARGET_DIR moves all build
// output at once.

import { delimiter, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
export const web = join(root, "web");
export const dist = join(web, "dist");
export const wasmOut = join(web, "public/wasm");
/** Trained models: in the repository, and in the folder that the page is built from. */
export const checkpoints = join(root, "assets/checkpoints");
export const checkpointsOut = join(web, "public/checkpoints");
/** The base model of the questions page, which builds copy into the site if it is there. */
export const bases = join(root, "data/bases");
export const corpora = join(web, "public/corpora");

/** Cargo's target directory. */
export const target = resolve(root, process.env.CARGO_TARGET_DIR || "target");

/** What these scripts keep between runs: tools, finished wasm modules, state files. */
export const cache = join(target, "site");
export const tools = join(cache, "tools");

/** The native binary that `cargo build --release` leaves. */
export const native = join(target, "release/trm-native");

/** The environment of every child process: the tools installed here come first on the PATH. */
export function environment(extra = {}) {
  const path = [join(tools, "bin"), join(root, "node_modules/.bin"), process.env.PATH].join(delimiter);
  return { ...process.env, PATH: path, CARGO_TARGET_DIR: target, ...extra };
}
