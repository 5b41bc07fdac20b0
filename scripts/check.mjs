// npm run check: formatting, lints, documentation, structure and types of all
// code, without running a test.
//
//   npm run check                   everything
//   npm run check -- format lint    only these stages, with the set-up they need

import { checkFormat, clippy, docs } from "./lib/cargo.mjs";
import { checkLicences } from "./lib/licences.mjs";
import { web } from "./lib/paths.mjs";
import { run } from "./lib/run.mjs";
import { main } from "./lib/terminal.mjs";
import { chosen, runStages } from "./lib/stages.mjs";
import { storyTypes } from "./lib/stories.mjs";
import { checkStructure } from "./lib/structure.mjs";
import { installPackages, installWasmTarget, requireRust } from "./lib/tools.mjs";

const npm = (script) => () => run("npm", ["run", "--silent", script], { cwd: web });

const STAGES = [
  { name: "set-up", work: setUp },
  { name: "structure", work: checkStructure },
  { name: "licences", needs: ["set-up"], work: checkLicences },
  { name: "format", needs: ["set-up"], work: checkFormat },
  { name: "clippy", needs: ["set-up"], work: clippy },
  { name: "docs", needs: ["set-up"], work: docs },
  { name: "types", needs: ["set-up"], work: npm("check") },
  { name: "stories", needs: ["set-up"], work: storyTypes },
  { name: "lint", needs: ["set-up"], work: npm("lint") },
];

await main(async () => {
  if (!(await runStages(chosen(STAGES, process.argv.slice(2))))) process.exit(1);
});

async function setUp() {
  requireRust();
  await installWasmTarget();
  await installPackages();
}
