// The page's text: Tiny Shakespeare, written by the Rust code that the native program
// reads it with, and checked by its digest.

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { corpora } from "./paths.mjs";
import { run } from "./run.mjs";
import { UserError, step } from "./terminal.mjs";

const SHA256 = "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed";
const file = join(corpora, "shakespeare.txt");

const whole = () => existsSync(file) && createHash("sha256").update(readFileSync(file)).digest("hex") === SHA256;

export async function exportCorpus() {
  if (whole()) return;
  await step("Tiny Shakespeare for the page", async () => {
    mkdirSync(corpora, { recursive: true });
    await run("cargo", ["run", "--release", "-p", "trm-data", "--example", "export", "--", "shakespeare", file]);
    if (!whole()) throw new UserError(`${file} does not have the expected digest; delete it and run this again.`);
  });
}
