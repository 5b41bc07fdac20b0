// npm run check: formatting, lints, documentation, structure and types of all
// code, without running a test.

import { checkFormat, clippy, docs } from "./lib/cargo.mjs";
import { web } from "./lib/paths.mjs";
import { run } from "./lib/run.mjs";
import { main } from "./lib/terminal.mjs";
import { runStages } from "./lib/stages.mjs";
import { storyTypes } from "./lib/stories.mjs";
import { checkStructure } from "./lib/structure.mjs";
import { installPackages, installWasmTarget, requireRust } from "./lib/tools.mjs";

const npm = (script) => () => run("npm", ["run", "--silent", script], { cwd: web });

await main(async () => {
  const passed = await runStages([
    { name: "set-up", work: setUp },
    { name: "structure", work: checkStructure },
    { name: "format", needs: ["set-up"], work: checkFormat },
    { name: "clippy", needs: ["set-up"], work: clippy },
    { name: "docs", needs: ["set-up"], work: docs },
    { name: "types", needs: ["set-up"], work: npm("check") },
    { name: "types of the stories", needs: ["set-up"], work: storyTypes },
    { name: "lint", needs: ["set-up"], work: npm("lint") },
  ]);
  if (!passed) process.exit(1);
});

async function setUp() {
  requireRust();
  await installWasmTarget();
  await installPackages();
}
