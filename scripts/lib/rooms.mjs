// The pages of the site, read from the page's own table.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { runInNewContext } from "node:vm";

import { web } from "./paths.mjs";

/** `{ family, path, wasm, database, title, … }` of every page; the table holds literals only. */
export const ROOMS = read(readFileSync(join(web, "src/rooms/table.ts"), "utf8"));

function read(source) {
  const list = /ROOMS: readonly Room\[\] = (\[[\s\S]*?\n\]);/.exec(source)?.[1];
  if (!list) throw new Error("web/src/rooms/table.ts has no list of rooms that can be read");
  // Into an object of this realm, so that it compares like any other.
  return JSON.parse(JSON.stringify(runInNewContext(list)));
}

/** The address of the room of language models, beside the start page. */
export const TEXT_ROOM = ROOMS.find(({ family }) => family === "language").path;
