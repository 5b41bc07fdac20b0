// Starting other programs: finding them, running them, reading their output.

import { spawn, spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";

import { environment, root } from "./paths.mjs";
import { UserError } from "./terminal.mjs";

/** The full path of a program on the PATH (tools of these scripts first), or null. */
export function which(name) {
  const folders = isAbsolute(name) ? [""] : environment().PATH.split(delimiter);
  for (const folder of folders) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not here; look in the next folder.
    }
  }
  return null;
}

/** The standard output of a program, or null when it cannot be started or fails. */
export function output(program, args, options = {}) {
  const result = spawnSync(program, args, {
    cwd: root,
    env: environment(options.env),
    encoding: "utf8",
    maxBuffer: 1 << 30,
    stdio: ["ignore", "pipe", options.stderr ?? "pipe"],
  });
  return result.status === 0 ? result.stdout.trim() : null;
}

/** Runs a program that writes to the terminal; resolves to its exit code. Ctrl-C reaches it too. */
export function exitCode(program, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: options.cwd ?? root,
      env: environment(options.env),
      stdio: options.quiet ? ["ignore", "ignore", "inherit"] : ["ignore", "inherit", "inherit"],
    });
    child.on("error", (error) => reject(new UserError(`${program} could not be started: ${error.message}`)));
    child.on("exit", (status, signal) => resolve(signal ? 1 : status));
  });
}

/** Runs a program that writes to the terminal; throws, with `advice`, when it fails. */
export async function run(program, args, options = {}) {
  const status = await exitCode(program, args, options);
  if (status !== 0) {
    const line = [program, ...args].join(" ");
    throw new UserError(`\`${line}\` failed (exit ${status}).${options.advice ? ` ${options.advice}` : ""}`);
  }
}
