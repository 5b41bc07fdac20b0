// A digest over source files: a result of the same files and the same tools is not
// built again, in this clone or in another that shares the target directory.

import { createHash } from "node:crypto";
import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import { join, relative } from "node:path";

import { root } from "./paths.mjs";

const SKIPPED = new Set(["node_modules", "dist", "target", ".git", "e2e"]);

/** All files under the given paths (relative to the repository), sorted. */
export function files(paths) {
  const found = [];
  const visit = (path) => {
    if (statSync(path).isDirectory()) {
      for (const name of readdirSync(path).sort()) {
        if (!SKIPPED.has(name)) visit(join(path, name));
      }
    } else {
      found.push(path);
    }
  };
  for (const path of paths) {
    const whole = join(root, path);
    if (existsSync(whole)) visit(whole);
  }
  return found;
}

/** Digest of the named files and of other inputs (tool versions, flags). */
export function digest(paths, ...others) {
  const hash = createHash("sha256");
  for (const path of files(paths)) {
    hash
      .update(`${relative(root, path)}\0`)
      .update(readFileSync(path))
      .update("\0");
  }
  for (const other of others) hash.update(`${JSON.stringify(other)}\0`);
  return hash.digest("hex").slice(0, 32);
}
