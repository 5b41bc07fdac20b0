// The programs that the benches compare: the native binary and its peers.

import { spawnSync } from "node:child_process";

import { environment, native } from "../lib/paths.mjs";
import { run } from "../lib/run.mjs";
import { UserError } from "../lib/terminal.mjs";
import { requireRust } from "../lib/tools.mjs";

/** The native binary, built from these sources. */
export async function builtNative() {
  requireRust();
  await run("cargo", ["build", "--release", "-p", "trm-native"]);
  return native;
}

/** The JSON document that a program prints, after what a library may print before it. */
export function report(program, args, { input, env } = {}) {
  const options = { env: environment(env), encoding: "utf8", input, maxBuffer: 1 << 26 };
  const { status, stdout, stderr, error } = spawnSync(program, args, options);
  if (status === 0) return JSON.parse(stdout.slice(stdout.indexOf("{")));
  throw new UserError(`\`${program} ${args[0]}\` failed: ${error?.message ?? stderr.trim()}`);
}
