// Makes a trained model one of those that come with the page: its best
// checkpoint in half precision, measured at every depth, goes into
// assets/checkpoints with an entry in the manifest there.
//
//   node scripts/ship.mjs RUN_DIR NAME --title … --description … --command …
//       [--minutes N] [--hardware …] [--checkpoint FILE] [--data PATH] [--base FILE]
//       [--default]
//
// Image classifiers are measured on their test images, ARC models on the tests of the
// tasks that --data gives, question models on held-out questions with the language model
// that --base gives, which is not shipped. Any other frozen base is shipped before the
// heads that read its features, and they are trained on the shipped file.

import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";

import { checkpoints, cache, native } from "./lib/paths.mjs";
import { output } from "./lib/run.mjs";
import { UserError, bytes as size, main, note } from "./lib/terminal.mjs";
import { describe, entry, minutesOf, withEntry } from "./lib/shipping.mjs";

const DEPTHS = "1..8,16";
const USAGE =
  "usage: node scripts/ship.mjs RUN_DIR NAME --title … --description … --command …\n" +
  "         [--minutes N] [--hardware …] [--checkpoint FILE] [--data PATH] [--base FILE]\n" +
  "         [--default]";

await main(async () => {
  const { run, name, ...typed } = wanted();
  if (!existsSync(native)) {
    throw new UserError(`${native} is missing: \`cargo build --release --workspace --exclude trm-wasm\` makes it.`);
  }
  const best = typed.checkpoint ?? join(run, "best.safetensors");
  if (!existsSync(best)) throw new UserError(`${best} is missing; name the checkpoint with --checkpoint.`);

  // In a temporary place until all steps have succeeded.
  const half = join(cache, "ship", `${name}.safetensors`);
  mkdirSync(join(cache, "ship"), { recursive: true });
  trm(
    "convert",
    best,
    "--from",
    "trm",
    "--dtype",
    "f16",
    "--to",
    half,
    ...based(describe(readFileSync(best)), typed.base),
  );
  const file = readFileSync(half);
  try {
    const about = describe(file);
    // Fails early when the file is too large or a text is missing: measuring takes minutes.
    const metadata = {
      name,
      ...typed,
      hardware: typed.hardware ?? machine(),
      minutes: typed.minutes ?? minutes(run, about),
      bytes: file.length,
      sha256: createHash("sha256").update(file).digest("hex"),
      about,
    };
    entry({ ...metadata, losses: [] });
    ship(half, entry({ ...metadata, ...measured(half, about, typed) }), typed.default);
  } catch (error) {
    throw error instanceof UserError ? error : new UserError(`${name} cannot be shipped: ${error.message}.`);
  }
});

function wanted() {
  let parsed;
  try {
    parsed = parseArgs({
      allowPositionals: true,
      options: {
        title: { type: "string" },
        description: { type: "string" },
        command: { type: "string" },
        minutes: { type: "string" },
        hardware: { type: "string" },
        checkpoint: { type: "string" },
        data: { type: "string" },
        base: { type: "string" },
        default: { type: "boolean", default: false },
      },
    });
  } catch (error) {
    throw new UserError(`${error.message}\n  ${USAGE}`);
  }
  const { positionals, values } = parsed;
  if (positionals.length !== 2) throw new UserError(USAGE);
  const [run, name] = positionals;
  const minutes = values.minutes === undefined ? undefined : Number(values.minutes);
  if (minutes !== undefined && !(minutes >= 0)) throw new UserError(`\`--minutes ${values.minutes}\` is not a time.`);
  // The program is started in another folder than the caller's.
  const [checkpoint, data, base] = [values.checkpoint, values.data, values.base].map((path) => path && resolve(path));
  return { ...values, checkpoint, data, base, run: resolve(run), name, minutes };
}

/** Standard output of `trm-native`; its standard error goes to the terminal. */
function trm(...args) {
  const said = output(native, args, { stderr: "inherit" });
  if (said === null) throw new UserError(`\`trm-native ${args.join(" ")}\` failed.`);
  return said;
}

/** Whether a model answers questions, on a language model that is not shipped. */
function asks({ config }) {
  return config.model.supervision_steps !== undefined;
}

/** The argument for the frozen base of a checkpoint: `given`, or a file that is shipped already. */
function based({ base, config }, given) {
  if (given) return ["--base", given];
  if (asks({ config })) throw new UserError(`name the file of the base, ${base.name}, with --base.`);
  if (!base) return [];
  const path = join(checkpoints, base.name);
  if (!existsSync(path))
    throw new UserError(`${base.name} is missing: ship the frozen base first, and train on its file.`);
  return ["--base", path];
}

/** The scores of a model: its loss at every depth, or the puzzles solved or images classified by step. */
function measured(file, about, { data, base }) {
  const { config } = about;
  const byStep = ({ steps }) => steps.map(({ step: depth, loss }) => ({ depth, loss }));
  const own = data ? ["--data", data] : [];
  if (asks(about)) {
    const { val } = JSON.parse(trm("eval", file, "--json", ...own, "--base", base));
    return { losses: byStep(val).filter(({ depth }) => depth > 0) };
  }
  if (config.model.image_size !== undefined) {
    const more = [...own, ...based(about, base)];
    const images = JSON.parse(trm("eval", file, "--split", "test", "--json", ...more));
    return { images, losses: byStep(images) };
  }
  if (config.model.halt_max_steps === undefined)
    return { losses: JSON.parse(trm("eval", file, "--depths", DEPTHS, "--json", ...own)).depths };
  const scores = JSON.parse(trm("eval", file, "--json", ...own));
  return { scores, losses: byStep(scores) };
}

function minutes(run, { config, step }) {
  const results = join(run, "results.json");
  if (config.model.image_size !== undefined && existsSync(results))
    return JSON.parse(readFileSync(results, "utf8")).seconds / 60;
  const metrics = join(run, "metrics.jsonl");
  return existsSync(metrics) ? minutesOf(readFileSync(metrics, "utf8"), config, step) : null;
}

function machine() {
  const all = cpus();
  return all.length ? `${all[0].model.trim()}, ${all.length} cores` : null;
}

function ship(file, added, opens) {
  const manifest = join(checkpoints, "manifest.json");
  const before = existsSync(manifest) ? JSON.parse(readFileSync(manifest, "utf8")) : null;
  const after = withEntry(before, added, opens);
  mkdirSync(checkpoints, { recursive: true });
  copyFileSync(file, join(checkpoints, added.file));
  writeFileSync(`${manifest}.part`, `${JSON.stringify(after, null, 2)}\n`);
  renameSync(`${manifest}.part`, manifest);
  const losses = added.losses.map(({ depth, loss }) => `${depth}: ${loss.toFixed(3)}`).join("  ");
  note(`${added.file}, ${size(added.bytes)}, step ${added.step}; loss by depth ${losses}`);
}
