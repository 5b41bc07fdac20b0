// A lock, so that one build runs at a time: two would write the same output files,
// and each link of the GPU module takes a few gigabytes of memory.

import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

import { cache } from "./paths.mjs";
import { note } from "./terminal.mjs";

const file = join(cache, "building.pid");

/** Runs `work` while holding the build lock; waits for another build to end. */
export async function withBuildLock(work) {
  mkdirSync(cache, { recursive: true });
  let told = false;
  while (!take()) {
    if (!told) note("another build is running in this clone; waiting for it");
    told = true;
    await pause(500);
  }
  const release = () => rmSync(file, { force: true });
  const interrupted = () => {
    release();
    process.exit(130);
  };
  process.once("SIGINT", interrupted);
  process.once("SIGTERM", interrupted);
  try {
    return await work();
  } finally {
    process.off("SIGINT", interrupted);
    process.off("SIGTERM", interrupted);
    release();
  }
}

function take() {
  try {
    writeFileSync(file, String(process.pid), { flag: "wx" });
    return true;
  } catch (error) {
    if (error.code !== "EEXIST") throw error;
  }
  if (!holderLives()) rmSync(file, { force: true });
  return false;
}

/** Whether the process that took the lock still runs; one that was killed leaves its file. */
function holderLives() {
  try {
    const pid = Number(readFileSync(file, "utf8"));
    // Empty: a process is just writing it, or was killed at that moment.
    if (!pid) return Date.now() - statSync(file).mtimeMs < 5_000;
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}
