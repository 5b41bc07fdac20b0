// Measuring the AVX2 code of programs on a processor that also has AVX-512.

import { mkdirSync } from "node:fs";
import { join } from "node:path";

import { cache, root } from "../lib/paths.mjs";
import { run, which } from "../lib/run.mjs";
import { UserError } from "../lib/terminal.mjs";

/** The environment in which a program finds no AVX-512; builds the library that it needs. */
export async function withoutAvx512() {
  if (process.platform !== "linux" || process.arch !== "x64") {
    throw new UserError("--avx2 hides AVX-512 from programs; that works on Linux on x86-64 only.");
  }
  const compiler = ["cc", "gcc", "clang"].find((name) => which(name));
  if (!compiler) throw new UserError("--avx2 needs a C compiler (Debian: `apt-get install gcc`).");
  mkdirSync(cache, { recursive: true });
  const library = join(cache, "hide_avx512.so");
  const source = join(root, "scripts/bench/hide_avx512.c");
  await run(compiler, ["-O2", "-Wall", "-Werror", "-shared", "-fPIC", "-o", library, source]);
  const env = { LD_PRELOAD: library };
  await run("/bin/true", [], {
    env,
    advice: "This processor or system does not let CPUID be answered otherwise (see cpuid_fault in /proc/cpuinfo).",
  });
  return env;
}
