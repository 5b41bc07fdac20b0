// The page's data: Tiny Shakespeare and the handwritten digits, out of the packages that
// Cargo has locked. The crate trm-data reads the same files (folder build); the digests
// prove that both have the same content, and nothing has to be compiled for it here.

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { corpora } from "./paths.mjs";
import { output } from "./run.mjs";
import { UserError, step } from "./terminal.mjs";

/** The lines that lost their trailing spaces in the package, and as they are in the corpus. */
const STRIPPED = "hither;\nAnd\nTwice being\nWas";
const ORIGINAL = "hither;\nAnd  \nTwice being  \nWas";

const DIGITS = { images: 1797, pixels: 64 };

const CORPORA = [
  {
    name: "Tiny Shakespeare for the page",
    file: "shakespeare.txt",
    sha256: "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
    from: ["femto-gpt", "dataset.txt"],
    made: (bytes) => bytes.toString("utf8").replace(STRIPPED, ORIGINAL),
  },
  {
    name: "Handwritten digits for the page",
    file: "digits.csv",
    sha256: "6ebb3d2fee246a4e99363262ddf8a00a3c41bee6014c373ed9d9216ba7f651b8",
    from: ["smartcore", "src/dataset/digits.xy"],
    made: tableOfDigits,
  },
];

/** One image on a line, its label last, as UCI distributes them. */
function tableOfDigits(bytes) {
  // Two counts of 8 bytes, then little-endian f32: all pixels, then all labels.
  const value = (index) => bytes.readFloatLE(16 + 4 * index);
  const line = (image) => {
    const pixels = Array.from({ length: DIGITS.pixels }, (_, pixel) => value(image * DIGITS.pixels + pixel));
    return `${[...pixels, value(DIGITS.images * DIGITS.pixels + image)].join(",")}\n`;
  };
  return Array.from({ length: DIGITS.images }, (_, image) => line(image)).join("");
}

export async function exportCorpora() {
  for (const corpus of CORPORA.filter((corpus) => !whole(corpus))) {
    await step(corpus.name, () => {
      const [name, path] = corpus.from;
      mkdirSync(corpora, { recursive: true });
      writeFileSync(join(corpora, corpus.file), corpus.made(readFileSync(locked(name, path))));
      if (!whole(corpus))
        throw new UserError(
          `${join(corpora, corpus.file)} does not have the expected digest; is ${name} still the locked version?`,
        );
    });
  }
}

function whole({ file, sha256 }) {
  const path = join(corpora, file);
  return existsSync(path) && createHash("sha256").update(readFileSync(path)).digest("hex") === sha256;
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
