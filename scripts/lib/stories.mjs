// The type check of the end-to-end stories: they use the page's generated types, but
// are not part of its build.

import { join } from "node:path";

import { web } from "./paths.mjs";
import { run } from "./run.mjs";

export function storyTypes() {
  const compiler = join(web, "node_modules/typescript-7/bin/tsc");
  return run(process.execPath, [compiler, "--noEmit", "-p", join(web, "e2e")]);
}
