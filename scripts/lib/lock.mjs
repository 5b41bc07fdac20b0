// One build at a time. Two would fight over the same output files, and over
// memory: each link of the GPU module takes a few gigabytes.

import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

import { keep } from "./paths.mjs";
import { note } from "./say.mjs";

const file = join(keep, "building.pid");

/** Runs `work` while holding the build lock; waits for another build to end. */
export async function alone(work) {
  mkdirSync(keep, { recursive: true });
  let told = false;
  while (!take()) {
    if (!told) note("another build is running here; waiting for it");
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

/** A holder that was killed leaves its file behind; its number tells. */
function holderLives() {
  try {
    const pid = Number(readFileSync(file, "utf8"));
    // Empty: someone is just taking it, or died in that moment.
    if (!pid) return Date.now() - statSync(file).mtimeMs < 5_000;
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}
