// npm test: sets up what is missing and runs all tests: those of the Rust crates
// natively and in a browser, those of the page, the build, its sizes, and the
// visitor stories in a real headless Chromium, on the CPU and on WebGPU.
//
//   npm test                    everything; the soak only under CI
//   npm test -- rust web e2e    only these stages, with the stages they need
//   npm test -- soak            trains on the page for three minutes

import { join } from "node:path";

import { buildNative, cargoTest, lacksMpi, mpiTest, wasmTest } from "./lib/cargo.mjs";
import { exportCorpora } from "./lib/corpus.mjs";
import { root, web } from "./lib/paths.mjs";
import { run } from "./lib/run.mjs";
import { dim, main } from "./lib/terminal.mjs";
import { chosen, runStages } from "./lib/stages.mjs";
import { storyTypes } from "./lib/stories.mjs";
import {
  installPackages,
  installWasmBindgen,
  installWasmPack,
  installWasmTarget,
  requireBrowser,
  requireRust,
} from "./lib/tools.mjs";
import { buildSite } from "./build.mjs";
import { seedTest } from "./fuzz.mjs";
import { checkSizes } from "./sizes.mjs";
import { checkSoak } from "./soak.mjs";

const npm = (script) => () => run("npm", ["run", "--silent", script], { cwd: web });

const STAGES = [
  { name: "set-up", work: setUp },
  // Compiled once, for the Rust tests and for the stories, which run the native program.
  { name: "native", needs: ["set-up"], work: buildNative },
  { name: "rust", needs: ["native"], work: cargoTest },
  // Readers of foreign files, on stored inputs and changed copies of them.
  { name: "seeds", needs: ["set-up"], work: seedTest },
  { name: "wasm", needs: ["set-up"], work: wasmTest },
  { name: "web", needs: ["set-up"], work: webTest },
  { name: "build", needs: ["set-up"], work: buildSite },
  { name: "sizes", needs: ["build"], work: checkSizes },
  { name: "e2e", needs: ["native", "build"], work: stories },
  // After the stories: it puts a native program with MPI in the place of the one without.
  { name: "mpi", needs: ["native"], lacks: lacksMpi, work: mpiTest },
  { name: "soak", needs: ["build"], work: soak, onlyCI: true },
];

async function setUp() {
  requireRust();
  await installWasmTarget();
  await installPackages();
  await requireBrowser();
  await installWasmBindgen();
  await installWasmPack();
  await exportCorpora();
}

async function webTest() {
  for (const script of ["check", "lint", "test"]) await npm(script)();
  await storyTypes();
}

/** The visitor stories. Two run at a time: see playwright.config.ts. */
async function stories() {
  const config = join(root, "web/e2e/playwright.config.ts");
  await run("npx", ["playwright", "test", "--config", config], { env: { CHROME: await requireBrowser() } });
}

/** After three minutes of training, memory must be as after the first. `npm run soak` does this for two hours. */
async function soak() {
  await checkSoak({ minutes: 3, devices: ["cpu", "gpu"], preset: "page-tiny" });
}

await main(async () => {
  const names = process.argv.slice(2);
  const stages = chosen(STAGES, names);
  if (!names.length && stages.length < STAGES.length) {
    console.error(dim("Without the soak of 3 minutes, which runs under CI and with `npm test -- soak`."));
  }
  console.error(dim("The first run compiles Burn natively and for the browser, which takes most of its time."));
  if (!(await runStages(stages))) process.exit(1);
});
