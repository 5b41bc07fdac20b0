// How the Rust crates are tested and checked: which packages with which
// features. There is one release profile, so that Burn is compiled once for each
// target.

import { join } from "node:path";

import { root, web } from "./paths.mjs";
import { run, which } from "./run.mjs";
import { features, FEATURE_SETS } from "../wasm.mjs";

/** All packages that run natively; trm-wasm is tested in a browser. */
export const NATIVE = ["--workspace", "--exclude", "trm-wasm"];
const WASM = ["--target", "wasm32-unknown-unknown", "-p", "trm-wasm"];
/** RUSTFLAGS from outside would replace those in .cargo/config.toml and compile Burn again. */
const OWN_FLAGS = { RUSTFLAGS: undefined };

/** Compiles the native program and all native tests: the stages after it compile nothing. */
export async function buildNative() {
  await run("cargo", ["test", "--release", ...NATIVE, "--no-run"]);
}

export async function cargoTest() {
  const args = which("cargo-nextest") ? ["nextest", "run", "--no-fail-fast"] : ["test", "--no-fail-fast"];
  await run("cargo", [...args, "--release", ...NATIVE]);
  // cargo-nextest runs no doctests.
  if (which("cargo-nextest")) await run("cargo", ["test", "--release", "--doc", ...NATIVE]);
}

/** Training across processes, which needs Open MPI: the native program is built with it. */
const MPI = ["--features", "trm-native/mpi"];

/** What this machine lacks to build and run the native program with MPI, or null. */
export function lacksMpi() {
  const missing = ["mpirun", "mpicc"].filter((name) => !which(name));
  if (!missing.length) return null;
  return `no ${missing.join(" and no ")} here (Debian: apt-get install libopenmpi-dev openmpi-bin libclang-dev)`;
}

export async function mpiTest() {
  await run("cargo", ["test", "--release", ...NATIVE, ...MPI, "--test", "mpi"]);
}

/** The tests of trm-wasm in headless Chromium, each file in the place it names (page or worker). */
export async function wasmTest() {
  const args = ["test", "--headless", "--chrome", "--release", join(root, "crates/trm-wasm"), ...features("test")];
  const env = { ...OWN_FLAGS, WASM_BINDGEN_TEST_TIMEOUT: "600", WASM_BINDGEN_TEST_DRIVER_TIMEOUT: "60" };
  await run("wasm-pack", args, { env });
}

export async function checkFormat() {
  await run("cargo", ["fmt", "--all", "--check"]);
  await run(join(web, "node_modules/.bin/prettier"), ["--check", "--log-level", "warn", join(root, "scripts")]);
}

/**
 * Clippy for all native targets, for every set of features of the modules that ship
 * and for the tests in the browser. Tests may unwrap, all other code may not.
 */
export async function clippy() {
  const lint = (targets, deny, env) => run("cargo", ["clippy", "--release", ...targets, "--", ...deny], { env });
  const deny = ["-D", "warnings"];
  await lint([...NATIVE, "--lib", "--bins"], [...deny, "-D", "clippy::unwrap_used"]);
  await lint([...NATIVE, "--all-targets"], deny);
  if (lacksMpi()) console.error("The code of the feature `mpi` is not linted: there is no Open MPI here.");
  else {
    await lint([...NATIVE, ...MPI, "--bins"], [...deny, "-D", "clippy::unwrap_used"]);
    await lint([...NATIVE, ...MPI, "--test", "mpi"], deny);
  }
  // The modules with relaxed SIMD differ from the others in one file; linting one is enough.
  const kinds = Object.keys(FEATURE_SETS).filter((kind) => !kind.endsWith("-relaxed") || kind === "cpu-relaxed");
  for (const kind of kinds) {
    const targets = kind === "test" ? ["--all-targets"] : ["--lib"];
    await lint([...WASM, ...features(kind), ...targets], deny, OWN_FLAGS);
  }
}

/**
 * The documentation of the libraries, with warnings denied. It needs only the
 * metadata of dependencies, which clippy has made in the same profile.
 */
export async function docs() {
  const env = { RUSTDOCFLAGS: "-D warnings" };
  await run("cargo", ["doc", "--release", "--no-deps", ...NATIVE, "--lib"], { env });
  const wasm = ["doc", "--release", "--no-deps", ...WASM, "--lib", ...features("test")];
  await run("cargo", wasm, { env: { ...env, ...OWN_FLAGS } });
}
