// A page of the built site's origin in which its workers are measured.

import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

import { dist } from "../lib/paths.mjs";
import { installClient } from "./site-worker.mjs";

/** The page, and what its functions open a worker of module `wasm` with. */
export async function workerPage(browser, url, wasm) {
  const page = await browser.newPage();
  await page.addInitScript(installClient);
  // A file without the page's security policy, on the page's own origin.
  await page.goto(`${url}corpora/shakespeare.txt`);
  const worker = readdirSync(join(dist, "assets")).find((file) => /^worker-.*\.js$/.test(file));
  return { page, site: { worker: `${url}assets/${worker}`, base: url, wasm } };
}

const FILES = { digits: "digits.csv", shakespeare: "shakespeare.txt" };

/** The data called `name`, as the page gives them. */
export function corpus(name) {
  return { kind: "text", name, text: readFileSync(join(dist, "corpora", FILES[name]), "utf8") };
}
