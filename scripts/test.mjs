// npm test: sets up what is missing and runs everything: the Rust tests, the
// Rust tests in a browser, the page's own tests, the build, its sizes, and the
// stories in a real headless Chromium, on the CPU and on WebGPU.
//
//   npm test                    everything
//   npm test -- rust web e2e    only these stages, with what they need

import { join } from "node:path";

import { NATIVE, cargoTest, wasmTest } from "./lib/cargo.mjs";
import { exportCorpus } from "./lib/corpus.mjs";
import { root, web } from "./lib/paths.mjs";
import { must } from "./lib/run.mjs";
import { Trouble, dim, main } from "./lib/say.mjs";
import { runStages } from "./lib/stages.mjs";
import { storyTypes } from "./lib/stories.mjs";
import { needBrowser, packages, rust, wasmBindgen, wasmPack, wasmTarget } from "./lib/tools.mjs";
import { buildSite } from "./build.mjs";
import { checkSizes } from "./sizes.mjs";

const npm = (script) => () => must("npm", ["run", "--silent", script], { cwd: web });

const STAGES = [
  { name: "set-up", work: setUp },
  { name: "rust", needs: ["set-up"], work: cargoTest },
  { name: "wasm", needs: ["set-up"], work: wasmTest },
  { name: "web", needs: ["set-up"], work: webTest },
  { name: "build", needs: ["set-up"], work: buildSite },
  { name: "sizes", needs: ["build"], work: checkSizes },
  { name: "e2e", needs: ["build"], work: e2e },
];

async function setUp() {
  rust();
  await wasmTarget();
  await packages();
  await needBrowser();
  await wasmBindgen();
  await wasmPack();
  await exportCorpus();
}

async function webTest() {
  for (const script of ["check", "lint", "test"]) await npm(script)();
  await storyTypes();
}

async function e2e() {
  // The stories compare the page with the native binary. Built as the Rust
  // tests build it: another selection of packages would compile Burn once more.
  await must("cargo", ["test", "--release", ...NATIVE, "--no-run"]);
  const config = join(root, "web/e2e/playwright.config.ts");
  await must("npx", ["playwright", "test", "--config", config], { env: { CHROME: await needBrowser() } });
}

/** The stages that were named, each with those it needs. */
function chosen(names) {
  const unknown = names.filter((name) => !STAGES.some((stage) => stage.name === name));
  if (unknown.length) {
    throw new Trouble(`There is no stage ${unknown.join(", ")}; there are ${STAGES.map((s) => s.name).join(", ")}.`);
  }
  if (!names.length) return STAGES;
  const wanted = new Set(names);
  for (const stage of [...STAGES].reverse()) {
    if (wanted.has(stage.name)) for (const need of stage.needs ?? []) wanted.add(need);
  }
  return STAGES.filter((stage) => wanted.has(stage.name));
}

await main(async () => {
  const stages = chosen(process.argv.slice(2));
  console.error(
    dim(
      "A first run compiles Burn natively and for the browser: 20 to 45 minutes on two cores; later ones take minutes.",
    ),
  );
  if (!(await runStages(stages))) process.exit(1);
});
