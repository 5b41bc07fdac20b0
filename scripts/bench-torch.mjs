// Measures `trm-native bench` and the same work in PyTorch eager on the CPU: training
// steps of language models, of puzzle solvers with the official algorithm, of the
// recursive head of an image model and of a question model on a frozen decoder, and the
// features of a ViT. The two are measured alternately, each in its own process. PyTorch
// is installed once, under the target directory. Questions need `--base`, the decoder
// that `node scripts/datasets.mjs smollm2` fetches. `--avx2` hides AVX-512 from both.
//
//   node scripts/bench-torch.mjs [--part texts|puzzles|images|questions] [--base FILE] [--rounds N] [--threads N] [--runs N] [--native PROGRAM] [--avx2] [--json]

import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

import { withoutAvx512 } from "./bench/avx2.mjs";
import { median, range } from "./bench/figures.mjs";
import { preset } from "./bench/presets.mjs";
import { builtNative, report } from "./bench/programs.mjs";
import { pythonWith } from "./bench/python.mjs";
import { root } from "./lib/paths.mjs";
import { UserError, bold, dim, main, note } from "./lib/terminal.mjs";

const text = (size) => ({ blocks: 2, cycles: 2, vocab: 65, ...size });

/** A puzzle solver of its preset's size. */
function solver(name, mixer, vocab, steps) {
  const { model, train } = preset(name);
  return {
    mixer,
    width: model.hidden_size,
    heads: model.num_heads,
    blocks: model.n_layers,
    h_cycles: model.h_cycles,
    l_cycles: model.l_cycles,
    halt_max_steps: model.halt_max_steps,
    expansion: model.expansion,
    batch: train.batch_size,
    seq: model.seq_len,
    vocab,
    steps,
  };
}

/** The published head of TRM-ViT, on features of the size of the smallest ViT's. */
const HEAD = {
  kind: "head",
  tokens: 196,
  feature_size: 192,
  width: 384,
  inner_steps: 6,
  outer_steps: 4,
  expansion: 2,
  classes: 100,
  batch: 16,
  steps: 1,
};

/** The sizes of ViT-B/16. */
const FEATURES = {
  kind: "features",
  image: 224,
  patch: 16,
  width: 768,
  heads: 12,
  blocks: 12,
  inner: 3072,
  batch: 4,
  steps: 1,
};

function images() {
  const { width, tokens, inner_steps, outer_steps } = HEAD;
  return [
    {
      ...HEAD,
      name: `head: width ${width}, ${tokens + 1} positions, ${inner_steps} × ${outer_steps} steps, batch ${HEAD.batch}`,
    },
    { ...FEATURES, name: `features: ViT-B/${FEATURES.patch}, ${FEATURES.image} px, batch ${FEATURES.batch}` },
  ];
}

/** The recursive model of the preset on the upper layers of SmolLM2-135M. */
function questions() {
  const { model, train, data } = preset("cups");
  const { cut, window, num_latents, supervision_steps, h_cycles, l_cycles } = model;
  const passes = `${supervision_steps} × ${h_cycles} × (${l_cycles} + 1) passes`;
  return [
    {
      name: `cups: cut ${cut}, window ${window}, ${num_latents} latents, ${passes}, batch ${train.batch_size}`,
      cut,
      window,
      latents: num_latents,
      supervision_steps,
      h_cycles,
      l_cycles,
      width: model.hidden_size,
      heads: model.num_heads,
      blocks: model.n_layers,
      inner: model.intermediate_size,
      bands: model.fourier_bands,
      longest: model.fourier_longest,
      rank: model.lora_rank,
      alpha: model.lora_alpha,
      base_layers: model.base_layers,
      base_width: model.base_hidden_size,
      base_heads: 9,
      base_kv_width: model.base_kv_size,
      base_inner: 1536,
      base_theta: 1e5,
      vocab: 49152,
      // The prompt of so many swaps, and a letter, in tokens.
      question: 21 + 5 * data.max_difficulty,
      answer: 1,
      batch: train.batch_size,
      steps: 1,
    },
  ];
}

/**
 * The configurations of `trm-native bench`, by part; its report is checked against them.
 * `rate`: what the rows of a batch are called where their number per second is shown.
 */
const PARTS = {
  texts: {
    script: "torch_step.py",
    sizes: () => [
      text({ width: 128, heads: 4, batch: 12, seq: 64, steps: 10 }),
      text({ width: 384, heads: 6, batch: 8, seq: 256, steps: 2 }),
    ],
  },
  puzzles: {
    script: "torch_dual_step.py",
    rate: "puzzles × supervision steps/s",
    sizes: () => [solver("sudoku-9x9", "mlp_t", 11, 1), solver("maze-10x10", "attention", 6, 2)],
  },
  images: { script: "torch_images.py", rate: "images/s", sizes: images },
  questions: { script: "torch_questions.py", rate: "questions/s", sizes: questions },
};

/** Measures both alternately; `program` is the native binary, `python` one with PyTorch. */
export function benchTorch({ program, python, parts, base, rounds, threads, runs, env }) {
  const common = ["--threads", String(threads), "--runs", String(runs)];
  const turns = parts.map(() => []);
  const sizes = parts.map((part) => PARTS[part].sizes());
  for (let round = 1; round <= rounds; round++) {
    note(`round ${round} of ${rounds}`);
    parts.forEach((part, i) => {
      const script = join(root, "scripts/bench", PARTS[part].script);
      const given = part === "questions" ? ["--base", base] : [];
      const ours = flat(
        report(program, ["bench", "--json", "--device", "cpu", "--part", part, ...given, ...common], { env }),
      );
      // -B: writes no compiled files next to the scripts.
      const peer = report(python, ["-B", script, ...common, JSON.stringify(sizes[i])], { env });
      turns[i].push({ ours, peer });
    });
  }
  const { version, capability } = turns[0][0].peer;
  const compared = sizes.map((sizes, i) => {
    const { rate } = PARTS[parts[i]];
    return sizes.map((size, j) => ({ ...compare(size, turns[i], j), rate }));
  });
  return { version, capability, threads, rounds, runs, sizes: compared.flat() };
}

/** With the features of a ViT, where they were timed, among the configurations. */
function flat({ features, ...report }) {
  const more = features ? [{ ...features, ms_per_step: features.ms_per_batch }] : [];
  return { ...report, configurations: [...report.configurations, ...more] };
}

function compare(size, turns, i) {
  const rounds = turns.map(({ ours, peer }) => ({ ours: ours.configurations[i], peer: peer.configurations[i] }));
  for (const { ours, peer } of rounds) same(size, ours, peer);
  const ours = rounds.map((round) => round.ours.ms_per_step);
  const peer = rounds.map((round) => spread(round.peer.ms_per_step));
  const summary = (times) => ({
    median: median(times.map((time) => time.median)),
    min: Math.min(...times.map((time) => time.min)),
    max: Math.max(...times.map((time) => time.max)),
  });
  return {
    name: rounds[0].ours.name,
    parameters: rounds[0].ours.parameters,
    rows: size.batch,
    ours: summary(ours),
    peer: summary(peer),
    // The two measurements of a round follow each other, so that other load on the
    // machine affects both.
    ratios: ours.map((time, round) => time.median / peer[round].median),
    busy: median(rounds.map((round) => round.peer.busy)),
  };
}

/** In the form of `trm-native bench`. */
const spread = (times) => ({ median: median(times), min: Math.min(...times), max: Math.max(...times) });

/** Refuses to compare different things. */
function same(size, ours, peer) {
  const differs = [
    ["name", ours.name, size.name ?? ours.name],
    ["batch", ours.batch_size, size.batch],
    ["positions", ours.block_size, size.seq ?? ours.block_size],
    // A whole ViT has a readout, which its features do not pass through.
    ["parameters", ours.parameters, size.kind === "features" ? ours.parameters : peer.parameters],
  ].filter(([, a, b]) => a !== b);
  if (!differs.length) return;
  const each = differs.map(([what, a, b]) => `${what}: ours ${a}, the peer's ${b}`).join("; ");
  throw new UserError(
    `The two sides do not measure the same (${each}). ` +
      "Bring PARTS in scripts/bench-torch.mjs in step with `trm-native bench`.",
  );
}

function show({ version, capability, threads, rounds, runs, sizes }) {
  console.log(bold(`\nPyTorch ${version} eager, ${capability}, ${threads} threads`));
  console.log(dim(`median of ${rounds} rounds in turns, ${runs} runs each`));
  for (const { name, parameters, rows, rate, ours, peer, ratios, busy } of sizes) {
    const times = ({ median, min, max }) => {
      const speed = rate ? `, ${((rows * 1e3) / median).toFixed(1)} ${rate}` : "";
      return `${median.toFixed(1)} ms a step  (${range([min, max], 1)})${speed}`;
    };
    console.log(`${name}, ${parameters.toLocaleString("en-US")} parameters`);
    console.log(`  ours            ${times(ours)}`);
    console.log(`  PyTorch         ${times(peer)}`);
    console.log(`  ours / PyTorch  ${median(ratios).toFixed(2)}  (${range(ratios, 2)})`);
    // PyTorch's threads wait by spinning, so other load slows it more than ours.
    if (busy < 0.85 * threads) {
      const had = `${busy.toFixed(1)} of ${threads} threads' time`;
      console.log(`  PyTorch had ${had}: other processes ran, so this ratio is not valid`);
    }
  }
}

function options() {
  const { values } = parseArgs({
    options: {
      part: { type: "string" },
      base: { type: "string" },
      rounds: { type: "string", default: "4" },
      threads: { type: "string", default: "2" },
      runs: { type: "string", default: "5" },
      native: { type: "string" },
      avx2: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
    },
  });
  const [rounds, threads, runs] = [values.rounds, values.threads, values.runs].map(Number);
  const base = values.base && resolve(values.base);
  // Questions need a file.
  const all = Object.keys(PARTS).filter((part) => part !== "questions" || base);
  const parts = values.part === undefined ? all : [values.part];
  const known = parts.every((part) => part in PARTS);
  if (!known || ![rounds, threads, runs].every((n) => Number.isInteger(n) && n > 0)) {
    throw new UserError(
      "usage: bench-torch.mjs [--part texts|puzzles|images|questions] [--base FILE] [--rounds N] [--threads N] [--runs N] [--native PROGRAM] [--avx2] [--json]",
    );
  }
  if (parts.includes("questions") && !base) {
    throw new UserError(
      "questions are timed on a pretrained decoder: --base FILE\n" +
        "  FILE is a GGUF file, which `node scripts/datasets.mjs smollm2` fetches, or a checkpoint of `convert`.",
    );
  }
  return {
    parts,
    base,
    rounds,
    threads,
    runs,
    program: values.native && resolve(values.native),
    avx2: values.avx2,
    json: values.json,
  };
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await main(async () => {
    const { json, program, avx2, ...plan } = options();
    const env = avx2 ? await withoutAvx512() : {};
    const python = await pythonWith("torch");
    const result = benchTorch({ ...plan, env, python, program: program ?? (await builtNative()) });
    if (json) console.log(JSON.stringify(result, null, 2));
    else show(result);
  });
}
