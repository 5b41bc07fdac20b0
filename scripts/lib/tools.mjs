// The programs that building and testing need. Each function does nothing when its
// tool is present, and otherwise installs it or says how to install it.

import { existsSync, lstatSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";

import { root, tools, web } from "./paths.mjs";
import { exitCode, run, output, which } from "./run.mjs";
import { UserError, note, step } from "./terminal.mjs";

const WASM = "wasm32-unknown-unknown";
/** Runs the Rust tests in a browser; pinned, since its flags change between versions. */
const WASM_PACK = "0.15.1";
const CARGO_FUZZ = "0.13.2";

/** Rust is not installed by these scripts; the error says how to install it. */
export function requireRust() {
  for (const name of ["cargo", "rustc"]) {
    if (!which(name)) {
      throw new UserError(
        `Rust is missing: there is no \`${name}\` on the PATH.\n` +
          "  Install it with rustup (https://rustup.rs), open a new terminal and run this again.",
      );
    }
  }
  const manifest = readFileSync(join(root, "Cargo.toml"), "utf8");
  const needed = /^rust-version = "(\d+)\.(\d+)/m.exec(manifest);
  const found = /^rustc (\d+)\.(\d+)/.exec(output("rustc", ["--version"]) ?? "");
  if (!found) {
    throw new UserError(
      "`rustc --version` failed. With rustup, `rustup default stable` sets up a toolchain; then run this again.",
    );
  }
  if (needed && Number(found[1]) * 1000 + Number(found[2]) < Number(needed[1]) * 1000 + Number(needed[2])) {
    throw new UserError(
      `Rust ${found[1]}.${found[2]} is too old: ${needed[1]}.${needed[2]} or newer is needed. \`rustup update stable\` brings it.`,
    );
  }
}

/** The standard library for the browser. */
export async function installWasmTarget() {
  const sysroot = output("rustc", ["--print", "sysroot"]);
  if (sysroot && existsSync(join(sysroot, "lib/rustlib", WASM))) return;
  if (!which("rustup")) {
    throw new UserError(
      `This Rust cannot compile to WebAssembly (${WASM} is missing), and there is no rustup to add it.\n` +
        "  Install Rust with rustup (https://rustup.rs), or your system's package with that target.",
    );
  }
  await step(`Rust target ${WASM}`, () => run("rustup", ["target", "add", WASM]), "a download, seconds");
}

/** The crates in which wasm-bindgen spends its time; the others are compiled without optimization. */
const BUSY = ["walrus", "wasmparser", "wasm-encoder", "wasm-bindgen-cli-support", "id-arena", "gimli"];

/** wasm-bindgen's tool and library must be of exactly one version. */
export async function installWasmBindgen() {
  const locked = /name = "wasm-bindgen"\nversion = "([^"]+)"/.exec(readFileSync(join(root, "Cargo.lock"), "utf8"));
  if (!locked) throw new UserError("Cargo.lock names no wasm-bindgen; restore the file from the repository.");
  const version = locked[1];
  if (output("wasm-bindgen", ["--version"]) === `wasm-bindgen ${version}` && which("wasm-bindgen-test-runner")) return;
  // Without --locked: the lock file in that package names withdrawn versions. Without TLS,
  // which only browsers on other machines would need.
  const busy = BUSY.flatMap((name) => ["--config", `profile.dev.package.${name}.opt-level=1`]);
  await install(
    "wasm-bindgen-cli",
    version,
    ["--debug", "--no-default-features", ...busy],
    "compiled once, 1 to 2 minutes",
  );
}

/** Only the Rust tests in a browser need it. */
export async function installWasmPack() {
  if (output("wasm-pack", ["--version"]) === `wasm-pack ${WASM_PACK}`) return;
  await install("wasm-pack", WASM_PACK, ["--locked", "--debug"], "compiled once, 2 to 4 minutes");
}

/** Only `npm run fuzz` needs it, and a nightly Rust with it. */
export async function installCargoFuzz() {
  if (!output("rustc", ["+nightly", "--version"])) {
    throw new UserError("Fuzzing needs a nightly Rust: `rustup toolchain install nightly` brings it.");
  }
  if (output("cargo", ["fuzz", "--version"]) === `cargo-fuzz ${CARGO_FUZZ}`) return;
  await install("cargo-fuzz", CARGO_FUZZ, ["--locked", "--debug"], "compiled once, 2 to 4 minutes");
}

function install(name, version, flags, expectation) {
  // In a target directory of its own: crates that these tools share with ours are built with other settings.
  const build = join(tools, "build");
  const args = ["install", name, "--version", version, "--root", tools, "--target-dir", build, "--force", ...flags];
  return step(
    `${name} ${version}`,
    async () => {
      await run("cargo", args, { env: { CARGO_PROFILE_DEV_DEBUG: "0", CARGO_PROFILE_DEV_OPT_LEVEL: "0" } });
      rmSync(build, { recursive: true, force: true });
    },
    expectation,
  );
}

/** Installs the packages of both package-lock.json files, unless that was done since they last changed. */
export async function installPackages() {
  for (const [folder, name] of [
    [root, "npm packages of the scripts"],
    [web, "npm packages of the page"],
  ]) {
    // `npm ci` would empty the folder that a link points to, which may serve other clones.
    if (lstatSync(join(folder, "node_modules"), { throwIfNoEntry: false })?.isSymbolicLink()) continue;
    const lock = join(folder, "package-lock.json");
    const done = join(folder, "node_modules/.package-lock.json");
    if (existsSync(done) && statSync(done).mtimeMs >= statSync(lock).mtimeMs) continue;
    await step(name, () => run("npm", ["ci", "--no-audit", "--no-fund"], { cwd: folder }), "seconds");
  }
}

const BROWSERS = [
  "chromium",
  "chromium-browser",
  "google-chrome-stable",
  "google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
];

/** Path of a Chromium: the one in CHROME, one on this machine, or Playwright's; null when there is none. */
export async function findBrowser() {
  const named = process.env.CHROME;
  if (named) {
    if (which(named)) return which(named);
    throw new UserError(`CHROME is ${named}, which is not a program. Unset it, or set it to a Chromium.`);
  }
  for (const name of BROWSERS) {
    const found = which(name);
    if (found) return found;
  }
  const { chromium } = await import("playwright-core");
  const own = chromium.executablePath();
  return existsSync(own) ? own : null;
}

/** As `findBrowser`, but downloads Playwright's Chromium when the machine has none. */
export async function requireBrowser() {
  let found = await findBrowser();
  if (!found) {
    await step("Chromium", () => exitCode("npx", ["playwright", "install", "chromium"]), "a download, about 170 MB");
    found = await findBrowser();
  }
  if (!found) {
    throw new UserError(
      "The browser tests need Chromium, and none could be found or downloaded.\n" +
        "  Install it (Debian: `apt-get install chromium chromium-driver`), or set CHROME to its path.",
    );
  }
  if (!which("chromedriver")) note("no chromedriver on the PATH: wasm-pack will download one");
  return found;
}
