// npm run check: formatting, lints and types of both sides, without running a
// test.

import { cargoCheck } from "./lib/cargo.mjs";
import { web } from "./lib/paths.mjs";
import { must } from "./lib/run.mjs";
import { main } from "./lib/say.mjs";
import { runStages } from "./lib/stages.mjs";
import { storyTypes } from "./lib/stories.mjs";
import { packages, rust, wasmTarget } from "./lib/tools.mjs";

const npm = (script) => () => must("npm", ["run", "--silent", script], { cwd: web });

await main(async () => {
  const passed = await runStages([
    { name: "set-up", work: setUp },
    { name: "rust", needs: ["set-up"], work: cargoCheck },
    { name: "types", needs: ["set-up"], work: npm("check") },
    { name: "types of the stories", needs: ["set-up"], work: storyTypes },
    { name: "lint", needs: ["set-up"], work: npm("lint") },
  ]);
  if (!passed) process.exit(1);
});

async function setUp() {
  rust();
  await wasmTarget();
  await packages();
}
