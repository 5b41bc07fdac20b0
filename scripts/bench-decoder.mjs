// Speed of the pretrained decoder of question models beside llama.cpp on the CPU, reading
// a prompt and writing after it: the same model, prompt and number of threads, measured
// alternately, each in its own process. The model (98 MB) is fetched once into
// data/smollm2, llama.cpp's Python package is installed once, under the target directory.
//
//   node scripts/bench-decoder.mjs [--from FOLDER] [--rounds N] [--threads N] [--runs N] [--native PROGRAM] [--json]

import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";

import { median, range } from "./bench/figures.mjs";
import { builtNative, report } from "./bench/programs.mjs";
import { pythonWith, titled } from "./bench/python.mjs";
import { root } from "./lib/paths.mjs";
import { run } from "./lib/run.mjs";
import { UserError, bold, dim, main, note } from "./lib/terminal.mjs";

const RATES = ["read_tokens_per_second", "written_tokens_per_second"];

/** `model`: a GGUF file; `base`: the same as a checkpoint. */
function measure({ program, python, model, base, rounds, threads, runs }) {
  const common = ["--threads", String(threads), "--runs", String(runs)];
  const turns = [];
  let shape;
  for (let round = 1; round <= rounds; round++) {
    note(`round ${round} of ${rounds}`);
    const args = ["bench", "--part", "questions", "--base", base, "--device", "cpu", "--json", ...common];
    const { decoder } = report(program, args);
    const script = join(root, "scripts/bench/llama_cpp.py");
    const peer = report(
      python,
      // -B: writes no compiled files next to the scripts.
      ["-B", script, ...common, "--written", String(decoder.written_tokens), model],
      { input: decoder.prompt },
    );
    if (peer.prompt_tokens !== decoder.prompt_tokens) {
      throw new UserError(`the prompt has ${decoder.prompt_tokens} tokens here and ${peer.prompt_tokens} in llama.cpp`);
    }
    shape = { prompt_tokens: decoder.prompt_tokens, written_tokens: decoder.written_tokens };
    turns.push(RATES.map((rate) => ({ ours: decoder[rate].median, peer: median(peer[rate]) })));
  }
  const rates = RATES.map((rate, i) => {
    const pairs = turns.map((turn) => turn[i]);
    const of = (side) => pairs.map((pair) => pair[side]);
    return {
      rate,
      ours: median(of("ours")),
      peer: median(of("peer")),
      ratios: pairs.map(({ ours, peer }) => ours / peer),
    };
  });
  return { peer: titled("xllamacpp"), threads, rounds, runs, ...shape, rates };
}

function show({ peer, threads, rounds, runs, prompt_tokens, written_tokens, rates }) {
  console.log(bold(`\n${peer}, ${threads} ${threads === 1 ? "thread" : "threads"}`));
  console.log(dim(`median of ${rounds} rounds in turns, ${runs} runs each`));
  const names = [`reading ${prompt_tokens} tokens`, `writing ${written_tokens} tokens`];
  rates.forEach(({ ours, peer, ratios }, i) => {
    console.log(names[i]);
    console.log(`  ours              ${ours.toFixed(0)} tokens/s, f32 weights`);
    console.log(`  llama.cpp         ${peer.toFixed(0)} tokens/s, Q4_1 and Q8_0 weights`);
    console.log(`  ours / llama.cpp  ${median(ratios).toFixed(2)}  (${range(ratios, 2)})`);
  });
}

function options() {
  const { values } = parseArgs({
    options: {
      from: { type: "string" },
      rounds: { type: "string", default: "4" },
      threads: { type: "string", default: "1" },
      runs: { type: "string", default: "5" },
      native: { type: "string" },
      json: { type: "boolean", default: false },
    },
  });
  const [rounds, threads, runs] = [values.rounds, values.threads, values.runs].map(Number);
  if (![rounds, threads, runs].every((n) => Number.isInteger(n) && n > 0)) {
    throw new UserError(
      "usage: bench-decoder.mjs [--from FOLDER] [--rounds N] [--threads N] [--runs N] [--native PROGRAM] [--json]",
    );
  }
  const from = values.from ? resolve(values.from) : join(root, "data/smollm2");
  return { from, rounds, threads, runs, program: values.native && resolve(values.native), json: values.json };
}

await main(async () => {
  const { json, from, ...plan } = options();
  await run(process.execPath, [join(root, "scripts/datasets.mjs"), "smollm2", "--out", from]);
  const python = await pythonWith("xllamacpp");
  const program = plan.program ?? (await builtNative());
  const folder = mkdtempSync(join(tmpdir(), "trm-decoder-"));
  try {
    const model = join(
      from,
      readdirSync(from).find((name) => name.endsWith(".gguf")),
    );
    const base = join(folder, "smollm2.safetensors");
    await run(program, ["convert", model, "--from", "gguf", "--to", base]);
    const result = measure({ ...plan, program, python, model, base });
    if (json) console.log(JSON.stringify(result, null, 2));
    else show(result);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
