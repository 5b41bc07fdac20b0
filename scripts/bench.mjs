// npm run bench: the training step natively and in the browser, beside its
// peers, how soon the page trains, and the sizes of what the site ships. Takes
// minutes; leave the machine alone meanwhile. PyTorch, the native peer, is
// measured only by `node scripts/bench-torch.mjs`, since it is gigabytes.

import { join } from "node:path";

import { root } from "./lib/paths.mjs";
import { must } from "./lib/run.mjs";
import { bold, main } from "./lib/say.mjs";
import { buildSite } from "./build.mjs";
import { checkSizes } from "./sizes.mjs";

await main(async () => {
  await buildSite();
  console.log(bold("\nNative"));
  await must("cargo", ["run", "--release", "-p", "trm-native", "--", "bench"]);
  console.log(bold("\nBrowser"));
  await must(process.execPath, [join(root, "scripts/bench-browser.mjs")]);
  console.log(bold("\nPage"));
  await must(process.execPath, [join(root, "scripts/bench-page.mjs")]);
  console.log(bold("\nPuzzles"));
  await must(process.execPath, [join(root, "scripts/bench-solve.mjs")]);
  console.log(bold("\nSizes"));
  checkSizes();
});
