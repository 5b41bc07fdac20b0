// npm test: sets up what is missing and runs everything: the Rust tests, the
// Rust tests in a browser, the page's own tests, the build, its sizes, and the
// stories in a real headless Chromium, on the CPU and on WebGPU.
//
//   npm test                    everything but the soak, which takes 15 minutes
//   npm test -- rust web e2e    only these stages, with what they need
//   npm test -- soak            trains for 15 minutes; also a part of everything under CI

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
import { checkSoak } from "./soak.mjs";

const npm = (script) => () => must("npm", ["run", "--silent", script], { cwd: web });

const STAGES = [
  { name: "set-up", work: setUp },
  { name: "rust", needs: ["set-up"], work: cargoTest },
  { name: "wasm", needs: ["set-up"], work: wasmTest },
  { name: "web", needs: ["set-up"], work: webTest },
  { name: "build", needs: ["set-up"], work: buildSite },
  { name: "sizes", needs: ["build"], work: checkSizes },
  { name: "e2e", needs: ["build"], work: e2e },
  { name: "soak", needs: ["build"], work: soak, long: true },
];

/** What takes long is for machines that nobody waits for. */
const everything = () => STAGES.filter(({ long }) => !long || process.env.CI);

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
  await stories();
}

async function stories(only = [], extra = {}) {
  const config = join(root, "web/e2e/playwright.config.ts");
  const env = { CHROME: await needBrowser(), ...extra };
  await must("npx", ["playwright", "test", "--config", config, ...only], { env });
}

/** Ten minutes of training must leave memory as it was; a visitor's story with five of them goes before. */
async function soak() {
  await must("cargo", ["test", "--release", ...NATIVE, "--no-run"]);
  await stories(["long.spec.ts"], { LONG: "1" });
  await checkSoak({ minutes: 10, devices: ["cpu", "gpu"], preset: "page-tiny" });
}

/** The stages that were named, each with those it needs. */
function chosen(names) {
  const unknown = names.filter((name) => !STAGES.some((stage) => stage.name === name));
  if (unknown.length) {
    throw new Trouble(`There is no stage ${unknown.join(", ")}; there are ${STAGES.map((s) => s.name).join(", ")}.`);
  }
  if (!names.length) return everything();
  const wanted = new Set(names);
  for (const stage of [...STAGES].reverse()) {
    if (wanted.has(stage.name)) for (const need of stage.needs ?? []) wanted.add(need);
  }
  return STAGES.filter((stage) => wanted.has(stage.name));
}

await main(async () => {
  const names = process.argv.slice(2);
  const stages = chosen(names);
  if (!names.length && stages.length < STAGES.length) {
    console.error(dim("Without the soak of 15 minutes, which is run under CI and by `npm test -- soak`."));
  }
  console.error(
    dim(
      "A first run compiles Burn natively and for the browser: 20 to 45 minutes on two cores; later ones take minutes.",
    ),
  );
  if (!(await runStages(stages))) process.exit(1);
});
