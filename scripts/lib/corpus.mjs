// The page's text: Tiny Shakespeare, out of the package that Cargo has locked. The crate
// trm-data reads the same file (build/shakespeare.rs); the digest proves that both have
// the same text, and nothing has to be compiled for it here.

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { corpora } from "./paths.mjs";
import { output } from "./run.mjs";
import { UserError, step } from "./terminal.mjs";

const SHA256 = "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed";
const file = join(corpora, "shakespeare.txt");

const whole = () => existsSync(file) && createHash("sha256").update(readFileSync(file)).digest("hex") === SHA256;

/** The lines that lost their trailing spaces in the package, and as they are in the corpus. */
const STRIPPED = "hither;\nAnd\nTwice being\nWas";
const ORIGINAL = "hither;\nAnd  \nTwice being  \nWas";

export async function exportCorpus() {
  if (whole()) return;
  await step("Tiny Shakespeare for the page", () => {
    const text = readFileSync(locked("femto-gpt", "dataset.txt"), "utf8").replace(STRIPPED, ORIGINAL);
    mkdirSync(corpora, { recursive: true });
    writeFileSync(file, text);
    if (!whole())
      throw new UserError(`${file} does not have the expected digest; is femto-gpt still the locked version?`);
  });
}

/** A file of a package that Cargo has locked; it is fetched unless it is here. */
function locked(name, path) {
  const args = ["metadata", "--locked", "--format-version", "1"];
  const metadata = output("cargo", [...args, "--offline"]) ?? output("cargo", args, { stderr: "inherit" });
  if (metadata === null) {
    throw new UserError(`cargo does not find the package ${name}; run \`cargo fetch\` with a network, then try again.`);
  }
  const found = JSON.parse(metadata).packages.find((entry) => entry.name === name);
  if (!found) throw new UserError(`${name} is not in Cargo.lock; restore the file from the repository.`);
  return join(dirname(found.manifest_path), path);
}
