// The licences of all dependencies, from `cargo metadata` and the package-lock.json files:
// all must be allowed.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { root, web } from "./paths.mjs";
import { output } from "./run.mjs";
import { UserError, note } from "./terminal.mjs";

/** Licences under which a package may be used and passed on with the page and the program. */
const ALLOWED = new Set([
  "0BSD",
  "Apache-2.0",
  "Apache-2.0 WITH LLVM-exception",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "BSL-1.0",
  "BlueOak-1.0.0",
  "CC0-1.0",
  "CDLA-Permissive-2.0",
  "ISC",
  "MIT",
  "MIT-0",
  // Of whole files: ours stay under MIT.
  "MPL-2.0",
  "NCSA",
  "Unicode-3.0",
  "Unlicense",
  "Zlib",
]);

/** Crates that only name a file, and the licence in it. */
const IN_FILES = { cfg_block: "Apache-2.0" };

/**
 * Whether an SPDX expression can be met by allowed licences: one side of every `OR`, both
 * of every `AND`. `/` is the `OR` of older crates.
 */
export function isAllowed(expression) {
  const tokens = expression.replaceAll("/", " OR ").replace(/[()]/g, " $& ").trim().split(/\s+/);
  let at = 0;
  const either = () => {
    let allowed = both();
    while (tokens[at] === "OR") {
      at += 1;
      allowed = both() || allowed;
    }
    return allowed;
  };
  const both = () => {
    let allowed = one();
    while (tokens[at] === "AND") {
      at += 1;
      allowed = one() && allowed;
    }
    return allowed;
  };
  const one = () => {
    if (tokens[at] === "(") {
      at += 1;
      const allowed = either();
      at += 1;
      return allowed;
    }
    let name = tokens[at++];
    if (tokens[at] === "WITH") {
      name = tokens.slice(at - 1, at + 2).join(" ");
      at += 2;
    }
    return ALLOWED.has(name);
  };
  return either() && at === tokens.length;
}

/**
 * Every dependency with its licence.
 *
 * @returns {{ from: string, name: string, licence: string }[]}
 */
export function dependencies() {
  return [...crates("Cargo.toml"), ...crates("fuzz/Cargo.toml"), ...packages(root), ...packages(web)];
}

function crates(manifest) {
  const args = ["metadata", "--format-version", "1", "--locked", "--all-features", "--manifest-path", manifest];
  // What is not on this machine yet is fetched, where there is a network.
  const text = output("cargo", [...args, "--offline"]) ?? output("cargo", args);
  if (text === null) {
    // The fuzz targets have a workspace of their own, whose crates not everybody has.
    if (manifest !== "Cargo.toml") return [];
    throw new UserError("`cargo metadata` failed; run `cargo fetch --locked` where there is a network.");
  }
  return JSON.parse(text).packages.map(({ name, version, license }) => ({
    from: manifest,
    name: `${name} ${version}`,
    licence: license ?? IN_FILES[name] ?? "none",
  }));
}

function packages(folder) {
  const lock = join(folder, "package-lock.json");
  if (!existsSync(lock)) return [];
  const entries = Object.entries(JSON.parse(readFileSync(lock, "utf8")).packages);
  return entries
    .filter(([path]) => path)
    .map(([path, { version, license }]) => ({
      from: lock.slice(root.length + 1),
      name: `${path.split("node_modules/").at(-1)} ${version}`,
      licence: license ?? "none",
    }));
}

/** Throws when a dependency has a licence that is not allowed; says how many have which. */
export function checkLicences() {
  const all = dependencies();
  const wrong = all.filter(({ licence }) => !isAllowed(licence));
  if (wrong.length) {
    const list = wrong.map(({ from, name, licence }) => `${name} (${from}): ${licence}`);
    throw new UserError(`Licences that are not allowed (scripts/lib/licences.mjs):\n  ${list.join("\n  ")}`);
  }
  const counts = new Map();
  for (const { licence } of all) counts.set(licence, (counts.get(licence) ?? 0) + 1);
  const sorted = [...counts].sort((a, b) => b[1] - a[1]);
  note(`licences of ${all.length} packages: ${sorted.map(([licence, count]) => `${count} × ${licence}`).join(", ")}`);
}
