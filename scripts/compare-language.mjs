// Compares the language models: chunk refinement, TRM-LM, Chat-TRM and
// plain transformers, at equal parameters and at equal compute. Every model is
// trained by the same command on the same batches, scored with the same context,
// and timed while it writes.
//
//   node scripts/compare-language.mjs [--runs FOLDER] [--seeds 1,2] [--steps N] [--stride N] [--rounds N]
//                                     [--native PROGRAM] [--json]
//
// Takes hours on one core. Runs are saved in FOLDER (runs/compare); when it is started
// again, the script continues them.

import { spawnSync } from "node:child_process";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

import { median, range } from "./bench/figures.mjs";
import { environment, native, root } from "./lib/paths.mjs";
import { run } from "./lib/run.mjs";
import { UserError, bold, dim, main, note } from "./lib/terminal.mjs";

/** The common settings: the sizes of nanoGPT's CPU recipe. */
const SHARED = {
  hidden_size: 128,
  num_heads: 4,
  block_size: 64,
  dropout: 0,
  batch_size: 12,
  gradient_accumulation_steps: 1,
  learning_rate: 3e-3,
  min_lr: 3e-4,
  lr_schedule: "cosine",
  warmup_iters: 100,
  beta2: 0.99,
  weight_decay: 0.1,
  objective: "every_cycle",
  detach_cycles: false,
  eval_interval: 250,
  eval_iters: 20,
};

const CHUNK = {
  variant: "chunk_lm",
  n_layers: 2,
  recursion_steps: 2,
  l_cycles: 1,
  chunk_size: 4,
  draft_start: "last_token",
};

/**
 * The recursive models apply two blocks eight times to a token. A plain
 * transformer has as many parameters when it applies them once, and about as much
 * compute when its blocks have eight times the weights, or it learns eight times as
 * long. (Sixteen such blocks, normalised after each sum, do not learn at all here.)
 */
const MODELS = [
  {
    name: "chunk",
    words: "chunk model, 4 independent characters, 2 refinements of 1 + 1 calls",
    settings: CHUNK,
    depths: [1, 2, 3, 4],
    depth: 2,
  },
  {
    name: "chunk-given",
    words: "the same, each character given the three before it",
    settings: { ...CHUNK, readout_context: 3 },
    depths: [1, 2, 3, 4],
    depth: 2,
  },
  {
    name: "trm-lm",
    words: "TRM-LM, 2 cycles of 3 + 1 calls",
    settings: { variant: "trm_lm", n_layers: 2, recursion_steps: 2, l_cycles: 3, state_start: "learned" },
    depths: [1, 2, 3, 4],
    depth: 2,
  },
  {
    name: "chat-trm",
    words: "Chat-TRM, 8 cycles",
    settings: { variant: "chat_trm", n_layers: 2, recursion_steps: 8 },
    depths: [1, 2, 4, 8],
    depth: 8,
  },
  {
    name: "plain",
    words: "plain transformer, equal parameters (2 blocks)",
    settings: { variant: "chat_trm", n_layers: 2, recursion_steps: 1 },
    depths: [1],
    depth: 1,
  },
  {
    name: "wide",
    words: "plain transformer, equal compute (2 blocks of width 400)",
    settings: { variant: "chat_trm", n_layers: 2, recursion_steps: 1, hidden_size: 400 },
    depths: [1],
    depth: 1,
  },
  {
    name: "long",
    words: "plain transformer, equal compute (2 blocks, 8 times the steps)",
    settings: { variant: "chat_trm", n_layers: 2, recursion_steps: 1 },
    longer: 8,
    depths: [1],
    depth: 1,
  },
];

/** Characters that are generated for the timing. */
const LENGTH = 1000;

function flags(settings) {
  return Object.entries(settings).flatMap(([key, value]) => [`--${key.replaceAll("_", "-")}`, String(value)]);
}

/** Runs a program; its output, without its progress. */
function asked(program, args) {
  const result = spawnSync(program, args, {
    cwd: root,
    // One thread for all, so that only the models differ.
    env: environment({ RAYON_NUM_THREADS: "1" }),
    encoding: "utf8",
    maxBuffer: 1 << 28,
  });
  if (result.status !== 0) throw new UserError(`${args.join(" ")} failed:\n${result.stderr}`);
  return result;
}

export async function compareLanguage({ program, folder, seeds, steps, stride, rounds }) {
  const rows = MODELS.map((model) => ({ ...model, seeds: [], seconds: [] }));
  for (const seed of seeds) {
    for (const row of rows) {
      const out = join(folder, `${row.name}-${seed}`);
      const settings = { ...SHARED, ...row.settings, max_iters: steps * (row.longer ?? 1), seed };
      note(`${row.words}, seed ${seed}`);
      const train = ["train", "shakespeare-char-cpu", ...flags(settings), "--device", "cpu", "--out", out];
      await run(program, [...train, "--auto-resume"], { env: { RAYON_NUM_THREADS: "1" } });
      const score = ["eval", join(out, "last.safetensors"), "--depths", row.depths.join(","), "--device", "cpu"];
      const scored = JSON.parse(asked(program, [...score, "--stride", String(stride), "--json"]).stdout);
      row.seeds.push({ seed, out, ...scored });
    }
  }
  // Alternately, so that other load on the machine affects all of them.
  for (let round = 0; round < rounds; round++) {
    for (const row of rows) {
      const [{ out }] = row.seeds;
      const write = ["generate", join(out, "last.safetensors"), "--depth", String(row.depth), "--device", "cpu"];
      const { stderr } = asked(program, [...write, "--max-new-tokens", String(LENGTH), "--seed", String(round)]);
      row.seconds.push(Number(/in ([\d.]+) s/.exec(stderr)[1]));
    }
  }
  return rows;
}

function losses({ seeds }, depth) {
  return seeds.map(({ depths }) => depths.find((row) => row.depth === depth).loss);
}

function shown(values) {
  return values.map((value) => value.toFixed(3)).join(", ");
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await main(async () => {
    const { values } = parseArgs({
      options: {
        runs: { type: "string", default: join(root, "runs/compare") },
        seeds: { type: "string", default: "1,2" },
        steps: { type: "string", default: "1000" },
        stride: { type: "string", default: "32" },
        rounds: { type: "string", default: "5" },
        native: { type: "string" },
        json: { type: "boolean", default: false },
      },
    });
    const [steps, stride, rounds] = [values.steps, values.stride, values.rounds].map(Number);
    const seeds = values.seeds.split(",").map(Number);
    if (![steps, stride, rounds, ...seeds].every((n) => Number.isInteger(n) && n > 0)) {
      throw new UserError("--steps, --stride, --rounds and --seeds take whole numbers above 0");
    }
    if (!values.native) await run("cargo", ["build", "--release", "-p", "trm-native"]);
    const program = values.native ? resolve(values.native) : native;
    const folder = resolve(values.runs);
    const rows = await compareLanguage({ program, folder, seeds, steps, stride, rounds });
    if (values.json) {
      console.log(JSON.stringify(rows, null, 2));
      return;
    }
    const [{ corpus, tokens, block_size: block }] = rows[0].seeds;
    console.log(bold(`\n${corpus}: ${tokens} characters scored once each, with at least ${block - stride} of context`));
    for (const row of rows) {
      const others = row.depths.filter((depth) => depth !== row.depth);
      console.log(
        `  ${row.words}\n    loss ${shown(losses(row, row.depth))} at depth ${row.depth}; ` +
          `${LENGTH} characters in ${(median(row.seconds) * 1e3).toFixed(0)} ms ` +
          dim(`(${range(row.seconds.map((s) => s * 1e3))} ms)`),
      );
      for (const depth of others) console.log(dim(`    depth ${depth}: ${shown(losses(row, depth))}`));
    }
  });
}
