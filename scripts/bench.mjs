// npm run bench: the training steps natively and in the browser, beside their
// peers, how soon the page trains, and the sizes of what the site ships. Takes
// minutes; leave the machine alone meanwhile. PyTorch, the native peer, is
// gigabytes: `node scripts/bench-torch.mjs` installs it, and it is measured here
// once it is there.

import { join } from "node:path";

import { root } from "./lib/paths.mjs";
import { run } from "./lib/run.mjs";
import { bold, dim, main } from "./lib/terminal.mjs";
import { hasTorch } from "./bench/torch.mjs";
import { buildSite } from "./build.mjs";
import { checkSizes } from "./sizes.mjs";

await main(async () => {
  await buildSite();
  console.log(bold("\nNative"));
  await run("cargo", ["run", "--release", "-p", "trm-native", "--", "bench"]);
  console.log(bold("\nPyTorch"));
  if (hasTorch()) await run(process.execPath, [join(root, "scripts/bench-torch.mjs")]);
  else console.log(dim("not installed; `node scripts/bench-torch.mjs` does so and measures beside it"));
  console.log(bold("\nBrowser"));
  await run(process.execPath, [join(root, "scripts/bench-browser.mjs")]);
  console.log(bold("\nPage"));
  await run(process.execPath, [join(root, "scripts/bench-page.mjs")]);
  console.log(bold("\nPuzzles"));
  await run(process.execPath, [join(root, "scripts/bench-solve.mjs")]);
  console.log(bold("\nSizes"));
  checkSizes();
});
