// The presets as the page has them, read from its generated file.

import { readFileSync } from "node:fs";
import { join } from "node:path";

import { web } from "../lib/paths.mjs";
import { UserError } from "../lib/terminal.mjs";

/** The whole configuration of a preset. The generator writes the list as JSON. */
export function preset(name) {
  const source = readFileSync(join(web, "src/gen/presets.ts"), "utf8");
  const list = JSON.parse(source.slice(source.indexOf("= [") + 2, source.lastIndexOf("]") + 1));
  const found = list.find((preset) => preset.name === name);
  if (!found) {
    const names = list.map((preset) => preset.name).join(", ");
    throw new UserError(`There is no preset ${name}: web/src/gen/presets.ts has ${names}.`);
  }
  return found.config;
}
