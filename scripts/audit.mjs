// npm run audit: what the programs and the page are made of. All licences of Rust and npm
// packages must be allowed; known vulnerabilities and the signatures of npm packages are
// looked up where there is a network.
//
//   npm run audit                everything that this machine can do
//   npm run audit -- --offline   only the licences, as `npm run check` does

import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

import { checkLicences } from "./lib/licences.mjs";
import { root, web } from "./lib/paths.mjs";
import { output, run } from "./lib/run.mjs";
import { UserError, main, note } from "./lib/terminal.mjs";

/** Packages with known vulnerabilities in what is used, not only in what builds it. */
async function advisories() {
  for (const folder of [root, web]) {
    await run("npm", ["audit", "--omit=dev"], { cwd: folder, advice: "Update what it names." });
    await run("npm", ["audit", "signatures"], { cwd: folder, advice: "A package is not what its author published." });
  }
  if (output("cargo", ["audit", "--version"]) === null) {
    note("advisories of Rust crates: skipped, as there is no cargo-audit (`cargo install cargo-audit --locked`)");
    return;
  }
  for (const lock of ["Cargo.lock", "fuzz/Cargo.lock"]) await run("cargo", ["audit", "--file", lock]);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await main(async () => {
    const { values } = parseArgs({ options: { offline: { type: "boolean" } } });
    checkLicences();
    if (values.offline) return;
    if (output("npm", ["ping"]) === null) {
      throw new UserError(
        "The licences are allowed, but the registry of npm packages cannot be reached, so that advisories were not looked up.\n" +
          "  `npm run audit -- --offline` checks the licences alone.",
      );
    }
    await advisories();
  });
}
