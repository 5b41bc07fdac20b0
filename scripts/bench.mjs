// npm run bench: training steps natively and in the browser, each with a reference
// implementation, the time from page load to the first step, and the sizes of the
// site. Takes minutes on an otherwise idle machine. The native reference, PyTorch,
// needs gigabytes: it is measured only after `node scripts/bench-torch.mjs` has
// installed it.

import { join } from "node:path";

import { root } from "./lib/paths.mjs";
import { run } from "./lib/run.mjs";
import { bold, dim, main } from "./lib/terminal.mjs";
import { has } from "./bench/python.mjs";
import { buildSite } from "./build.mjs";
import { checkSizes } from "./sizes.mjs";

await main(async () => {
  await buildSite();
  console.log(bold("\nNative"));
  await run("cargo", ["run", "--release", "-p", "trm-native", "--", "bench"]);
  console.log(bold("\nPyTorch"));
  if (has("torch")) await run(process.execPath, [join(root, "scripts/bench-torch.mjs")]);
  else console.log(dim("not installed: `node scripts/bench-torch.mjs` installs and measures it"));
  console.log(bold("\nBrowser"));
  await run(process.execPath, [join(root, "scripts/bench-browser.mjs")]);
  console.log(bold("\nPage"));
  await run(process.execPath, [join(root, "scripts/bench-page.mjs")]);
  console.log(bold("\nPuzzles"));
  await run(process.execPath, [join(root, "scripts/bench-solve.mjs")]);
  console.log(bold("\nSizes"));
  checkSizes();
});
