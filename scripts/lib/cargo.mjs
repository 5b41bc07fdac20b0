// How the Rust side is tested and checked: which packages with which features.
// One release profile everywhere, so that Burn is compiled once for each target.

import { join } from "node:path";

import { root } from "./paths.mjs";
import { must, which } from "./run.mjs";
import { features } from "../wasm.mjs";

/** Everything that runs natively; the session's tests run in a browser. */
export const NATIVE = ["--workspace", "--exclude", "trm-wasm"];

export async function cargoTest() {
  const args = which("cargo-nextest") ? ["nextest", "run", "--no-fail-fast"] : ["test", "--no-fail-fast"];
  await must("cargo", [...args, "--release", ...NATIVE]);
}

/** The session's tests in headless Chromium, each file in the place it names (page or worker). */
export async function wasmTest() {
  const args = ["test", "--headless", "--chrome", "--release", join(root, "crates/trm-wasm"), ...features("test")];
  await must("wasm-pack", args, {
    env: {
      // As for the modules: flags from outside would compile Burn once more.
      RUSTFLAGS: undefined,
      WASM_BINDGEN_TEST_TIMEOUT: "600",
      WASM_BINDGEN_TEST_DRIVER_TIMEOUT: "60",
    },
  });
}

export async function cargoCheck() {
  await must("cargo", ["fmt", "--all", "--check"]);
  const deny = ["--", "-D", "warnings"];
  await must("cargo", ["clippy", "--release", ...NATIVE, "--all-targets", ...deny]);
  for (const kind of ["cpu", "gpu"]) {
    const target = ["--target", "wasm32-unknown-unknown", "-p", "trm-wasm", ...features(kind)];
    // The tests in the browser are written for the CPU module.
    const targets = kind === "cpu" ? ["--all-targets"] : ["--lib"];
    await must("cargo", ["clippy", "--release", ...target, ...targets, ...deny], { env: { RUSTFLAGS: undefined } });
  }
}
