// How the Rust crates are tested and checked: which packages with which
// features. There is one release profile, so that Burn is compiled once for each
// target.

import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { basename, delimiter, join } from "node:path";

import { cache, root, web } from "./paths.mjs";
import { output, run, which } from "./run.mjs";
import { requireBrowser } from "./tools.mjs";
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
  const missing = ["mpirun", "mpicc"].filter((name) => !which(name)).map((name) => `no ${name}`);
  // The program and its tests use the variables and the flags of Open MPI.
  const other = which("mpirun") && !output("mpirun", ["--version"])?.includes("Open MPI");
  if (other) missing.push("an mpirun of another MPI than Open MPI");
  if (!hasLibclang()) missing.push("no libclang");
  if (!missing.length) return null;
  return `${missing.join(" and ")} here (Debian: apt-get install libopenmpi-dev openmpi-bin libclang-dev)`;
}

/** File names of libclang, with which bindgen reads `mpi.h`. `libclang-cpp` is another library. */
const LIBCLANG = /^libclang(-[\d.]+)?\.(so|dylib)(\.[\d.]+)?$/;

/** Where libraries lie, beside the folders of LLVM. */
const LIBRARIES = [
  "/usr/lib",
  "/usr/lib64",
  "/usr/local/lib",
  "/Library/Developer/CommandLineTools/usr/lib",
  "/Applications/Xcode.app/Contents/Developer/Toolchains/XcodeDefault.xctoolchain/usr/lib",
];

/** Whether there is a libclang where bindgen looks for one. */
function hasLibclang() {
  const holds = (folder) => names(folder).some((name) => LIBCLANG.test(name));
  // A folder or the file itself; nothing else is searched then.
  const named = process.env.LIBCLANG_PATH;
  if (named) return holds(named) || (existsSync(named) && LIBCLANG.test(basename(named)));
  const llvm = output(process.env.LLVM_CONFIG_PATH ?? "llvm-config", ["--libdir"]);
  const linked = (process.env.LD_LIBRARY_PATH ?? "").split(delimiter);
  // As `/usr/lib/llvm-14/lib` and `/usr/lib/x86_64-linux-gnu`.
  const inside = LIBRARIES.slice(0, 2).flatMap((folder) =>
    names(folder)
      .filter((name) => /^llvm|-linux-gnu/.test(name))
      .flatMap((name) => [join(folder, name), join(folder, name, "lib")]),
  );
  return [llvm, ...linked, ...LIBRARIES, ...inside].some((folder) => folder && holds(folder));
}

/** What a folder holds; nothing where there is none. */
function names(folder) {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

export async function mpiTest() {
  await run("cargo", ["test", "--release", ...NATIVE, ...MPI, "--test", "mpi"]);
}

/** The tests of trm-wasm in headless Chromium, each file in the place it names (page or worker). */
export async function wasmTest() {
  const crate = join(root, "crates/trm-wasm");
  const args = ["test", "--headless", "--chrome", "--release", crate, ...features("test")];
  const env = {
    ...OWN_FLAGS,
    WASM_BINDGEN_TEST_TIMEOUT: "600",
    WASM_BINDGEN_TEST_DRIVER_TIMEOUT: "60",
    WASM_BINDGEN_TEST_WEBDRIVER_JSON: driverSettings(crate, await requireBrowser()),
  };
  await run("wasm-pack", args, { env });
}

/**
 * A copy of the crate's `webdriver.json` that names the browser: chromedriver looks for one
 * in its own places only. Returns its path.
 */
function driverSettings(crate, binary) {
  const settings = JSON.parse(readFileSync(join(crate, "webdriver.json"), "utf8"));
  settings["goog:chromeOptions"].binary = binary;
  const path = join(cache, "webdriver.json");
  mkdirSync(cache, { recursive: true });
  writeFileSync(path, JSON.stringify(settings));
  return path;
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
