// npm run fuzz: feeds changed files to every reader of foreign files, with cargo-fuzz and a
// nightly Rust, and prints how often each was run. What breaks a reader is kept under
// fuzz/artifacts; once it is mended, the input belongs in fuzz/seeds.
//
//   npm run fuzz -- [MINUTES] [TARGET…]     MINUTES in all, 10 by default
//   npm run fuzz -- --seeds                 only the stored seeds and their neighbours, on stable Rust

import { spawn } from "node:child_process";
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

import { cache, environment as tooled, root } from "./lib/paths.mjs";
import { run } from "./lib/run.mjs";
import { UserError, bold, main, note } from "./lib/terminal.mjs";
import { installCargoFuzz, requireRust } from "./lib/tools.mjs";

const folder = join(root, "fuzz");
/** A target directory of its own, with other settings than the programs'. */
const environment = () => ({ CARGO_TARGET_DIR: join(cache, "fuzz/target") });

/** The stored seeds and their neighbours. */
export function seedTest() {
  const args = ["test", "--release", "--manifest-path", join(folder, "Cargo.toml")];
  return run("cargo", args, { env: environment() });
}

/** Runs each of `names` for `seconds`; returns how often they ran in all. */
async function fuzz(names, seconds) {
  let total = 0;
  for (const name of names) {
    const corpus = join(cache, "fuzz/corpus", name);
    mkdirSync(corpus, { recursive: true });
    // Safe Rust panics where others read foreign memory, so no sanitizer is needed.
    const cargo = [
      "+nightly",
      "fuzz",
      "run",
      "--fuzz-dir",
      folder,
      "--features",
      "libfuzzer",
      "--sanitizer",
      "none",
      name,
    ];
    const inputs = [corpus, join(folder, "seeds", name)];
    const limits = [`-max_total_time=${seconds}`, "-rss_limit_mb=4096", "-timeout=20", "-print_final_stats=1"];
    const { status, text } = await stderrOf("cargo", [...cargo, ...inputs, "--", ...limits]);
    if (status !== 0) {
      throw new UserError(`${name} broke, or could not be built:\n${text.split("\n").slice(-30).join("\n")}`);
    }
    const count = Number(/stat::number_of_executed_units:\s*(\d+)/.exec(text)?.[1] ?? 0);
    total += count;
    note(`${name}: ${count.toLocaleString("en")} executions in ${seconds} s`);
  }
  return total;
}

/** Runs a program; resolves to its exit code and what it wrote to standard error. */
function stderrOf(program, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: root,
      env: tooled(environment()),
      stdio: ["ignore", "inherit", "pipe"],
    });
    let text = "";
    child.stderr.setEncoding("utf8").on("data", (part) => (text += part));
    child.on("error", (error) => reject(new UserError(`${program} could not be started: ${error.message}`)));
    child.on("close", (status) => resolve({ status, text }));
  });
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await main(async () => {
    const { values, positionals } = parseArgs({ options: { seeds: { type: "boolean" } }, allowPositionals: true });
    requireRust();
    if (values.seeds) return seedTest();
    const all = readdirSync(join(folder, "seeds")).sort();
    const [first, ...rest] = positionals;
    const minutes = first === undefined ? 10 : Number(first);
    if (!(minutes > 0))
      throw new UserError(`\`${first}\` is no number of minutes.\n  Example: npm run fuzz -- 10 sudoku`);
    const unknown = rest.find((name) => !all.includes(name));
    if (unknown) throw new UserError(`There is no target \`${unknown}\`; there are ${all.join(", ")}.`);
    const names = rest.length ? rest : all;
    await installCargoFuzz();
    const total = await fuzz(names, Math.max(1, Math.round((minutes * 60) / names.length)));
    console.log(bold(`${total.toLocaleString("en")} executions, nothing found`));
  });
}
