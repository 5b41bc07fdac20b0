// The programs that building and testing need. Each function does nothing when
// its tool is there, and otherwise installs it or says how to get it.

import { existsSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";

import { root, tools, web } from "./paths.mjs";
import { code, must, output, which } from "./run.mjs";
import { Trouble, note, step } from "./say.mjs";

const WASM = "wasm32-unknown-unknown";
/** The test driver of the browser tests; pinned, since its flags move between versions. */
const WASM_PACK = "0.15.1";

/** Rust itself cannot be installed for somebody; say where it comes from. */
export function rust() {
  for (const name of ["cargo", "rustc"]) {
    if (!which(name)) {
      throw new Trouble(
        `Rust is missing: there is no \`${name}\` on the PATH.\n` +
          "  Install it with rustup (https://rustup.rs), open a new terminal and run this again.",
      );
    }
  }
  const manifest = readFileSync(join(root, "Cargo.toml"), "utf8");
  const needed = /^rust-version = "(\d+)\.(\d+)/m.exec(manifest);
  const found = /^rustc (\d+)\.(\d+)/.exec(output("rustc", ["--version"]) ?? "");
  if (!found) {
    throw new Trouble(
      "`rustc --version` failed. With rustup, `rustup default stable` sets up a toolchain; then run this again.",
    );
  }
  if (needed && Number(found[1]) * 1000 + Number(found[2]) < Number(needed[1]) * 1000 + Number(needed[2])) {
    throw new Trouble(
      `Rust ${found[1]}.${found[2]} is too old: ${needed[1]}.${needed[2]} or newer is needed. \`rustup update stable\` brings it.`,
    );
  }
}

/** The standard library for the browser. */
export async function wasmTarget() {
  const sysroot = output("rustc", ["--print", "sysroot"]);
  if (sysroot && existsSync(join(sysroot, "lib/rustlib", WASM))) return;
  if (!which("rustup")) {
    throw new Trouble(
      `This Rust cannot compile to WebAssembly (${WASM} is missing), and there is no rustup to add it.\n` +
        "  Install Rust with rustup (https://rustup.rs), or your system's package with that target.",
    );
  }
  await step(`Rust target ${WASM}`, () => must("rustup", ["target", "add", WASM]), "a download, seconds");
}

/** wasm-bindgen's tool and library must be of exactly one version. */
export async function wasmBindgen() {
  const locked = /name = "wasm-bindgen"\nversion = "([^"]+)"/.exec(readFileSync(join(root, "Cargo.lock"), "utf8"));
  if (!locked) throw new Trouble("Cargo.lock names no wasm-bindgen; restore the file from the repository.");
  const version = locked[1];
  if (output("wasm-bindgen", ["--version"]) === `wasm-bindgen ${version}` && which("wasm-bindgen-test-runner")) return;
  // Without --locked: the lock file in that package names withdrawn versions.
  await install("wasm-bindgen-cli", version, ["--debug"], "compiled once, 1 to 4 minutes");
}

/** Drives the Rust tests in a browser; only tests need it. */
export async function wasmPack() {
  if (output("wasm-pack", ["--version"]) === `wasm-pack ${WASM_PACK}`) return;
  await install("wasm-pack", WASM_PACK, ["--locked", "--debug"], "compiled once, 2 to 4 minutes");
}

function install(name, version, flags, expectation) {
  // A target directory of its own: what these share with our crates is built with other settings.
  const build = join(tools, "build");
  const args = ["install", name, "--version", version, "--root", tools, "--target-dir", build, "--force", ...flags];
  return step(
    `${name} ${version}`,
    async () => {
      await must("cargo", args, { env: { CARGO_PROFILE_DEV_DEBUG: "0", CARGO_PROFILE_DEV_OPT_LEVEL: "1" } });
      rmSync(build, { recursive: true, force: true });
    },
    expectation,
  );
}

/** Installs what a package-lock.json names, unless that was done since it last changed. */
export async function packages() {
  for (const [folder, name] of [
    [root, "npm packages of the scripts"],
    [web, "npm packages of the page"],
  ]) {
    const lock = join(folder, "package-lock.json");
    const done = join(folder, "node_modules/.package-lock.json");
    if (existsSync(done) && statSync(done).mtimeMs >= statSync(lock).mtimeMs) continue;
    await step(name, () => must("npm", ["ci", "--no-audit", "--no-fund"], { cwd: folder }), "seconds");
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

/** A Chromium: the one in CHROME, one on this machine, or Playwright's own; null when there is none. */
export async function browser() {
  const named = process.env.CHROME;
  if (named) {
    if (which(named)) return which(named);
    throw new Trouble(`CHROME is ${named}, which is no program. Unset it, or name a Chromium.`);
  }
  for (const name of BROWSERS) {
    const found = which(name);
    if (found) return found;
  }
  const { chromium } = await import("playwright-core");
  const own = chromium.executablePath();
  return existsSync(own) ? own : null;
}

/** As `browser`, but downloads Playwright's Chromium when the machine has none. */
export async function needBrowser() {
  let found = await browser();
  if (!found) {
    await step("Chromium", () => code("npx", ["playwright", "install", "chromium"]), "a download, about 170 MB");
    found = await browser();
  }
  if (!found) {
    throw new Trouble(
      "The browser tests need Chromium and none could be found or downloaded.\n" +
        "  Install it (Debian: `apt-get install chromium chromium-driver`), or set CHROME to its path.",
    );
  }
  if (!which("chromedriver")) note("no chromedriver on the PATH: wasm-pack will download one");
  return found;
}
