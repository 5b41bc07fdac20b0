// npm run audit: what the programs and the page are made of. All licences of Rust and npm
// packages must be allowed; known vulnerabilities and the signatures of npm packages are
// looked up where there is a network.
//
//   npm run audit                everything that this machine can do
//   npm run audit -- --offline   only the licences, as `npm run check` does

import { spawnSync } from "node:child_process";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

import { checkLicences } from "./lib/licences.mjs";
import { environment, root, web } from "./lib/paths.mjs";
import { output, run } from "./lib/run.mjs";
import { UserError, main, note } from "./lib/terminal.mjs";

/** How npm says that it could not ask. */
const UNASKED =
  /npm (?:error|ERR!) (?:code (?:ENOTFOUND|EAI_AGAIN|ECONN\w+|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH)|audit endpoint returned an error)/;

/** Asks npm about the packages of a folder; `what` is asked, `fault` is what it may have found. */
function ask(folder, args, what, fault) {
  const { status, stdout, stderr } = spawnSync("npm", args, { cwd: folder, env: environment(), encoding: "utf8" });
  process.stdout.write(stdout ?? "");
  if (status === 0) return;
  if (UNASKED.test(stderr)) {
    note(`${what}: skipped, as the host that knows cannot be asked`);
    return;
  }
  throw new UserError(`\`npm ${args.join(" ")}\` failed (exit ${status}): ${fault}\n${stderr}`);
}

/** Packages with known vulnerabilities in what is used, not only in what builds it. */
async function advisories() {
  for (const folder of [root, web]) {
    ask(folder, ["audit", "--omit=dev"], "advisories of npm packages", "update what it names.");
    ask(folder, ["audit", "signatures"], "signatures of npm packages", "a package is not signed as published.");
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
