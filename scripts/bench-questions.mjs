// Time and memory of the questions page with the real base, in a headless Chromium: how
// long it takes to fetch and open it, tokens written each second, and the memory of the
// tab's process (Linux).
//
//   node scripts/bench-questions.mjs     after npm run build and node scripts/bases.mjs

import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

import { FLAGS } from "./lib/browser.mjs";
import { dist } from "./lib/paths.mjs";
import { UserError, main, note } from "./lib/terminal.mjs";
import { requireBrowser } from "./lib/tools.mjs";
import { serve } from "./serve.mjs";

const MESSAGES = ["What is the capital of France?", "Write a short story about a lighthouse and its keeper."];

await main(async () => {
  const list = join(dist, "bases/manifest.json");
  if (!existsSync(list) || !JSON.parse(readFileSync(list, "utf8")).bases.length) {
    throw new UserError("web/dist has no base model: `node scripts/bases.mjs` puts it there.");
  }
  const { chromium } = await import("playwright-core");
  const server = await serve();
  const browser = await chromium.launch({ executablePath: await requireBrowser(), args: FLAGS });
  try {
    const page = await browser.newPage();
    await page.goto(`${server.url}questions.html`);
    const began = Date.now();
    await page.getByRole("button", { name: /^Get it from this site/ }).click();
    await page.locator("[data-testid=base][data-state=open]").waitFor({ timeout: 300_000 });
    note(`fetched from this machine and opened in ${((Date.now() - began) / 1000).toFixed(1)} s, ${memory()}`);
    const send = page.getByRole("button", { name: "Send" });
    for (const message of MESSAGES) {
      await page.getByRole("textbox", { name: "Message" }).fill(message);
      await send.click();
      await send.waitFor({ timeout: 300_000 });
      const chat = await page.getByTestId("chat").innerText();
      note(`${/[\d.]+ tokens\/s/.exec(chat)?.[0]}, ${memory()}`);
    }
  } finally {
    await browser.close();
    await server.close();
  }
});

/** Most memory that the largest of the browser's page processes has had, where the system tells. */
function memory() {
  let ids;
  try {
    ids = readdirSync("/proc");
  } catch {
    return "memory of the tab's process not known on this system";
  }
  const peaks = ids
    .filter((name) => /^\d+$/.test(name))
    .map((id) => {
      try {
        const renderer = readFileSync(`/proc/${id}/cmdline`, "utf8").includes("--type=renderer");
        const peak = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${id}/status`, "utf8"));
        return renderer && peak ? Number(peak[1]) * 1024 : 0;
      } catch {
        // It has ended.
        return 0;
      }
    });
  return `peak of the tab's process ${(Math.max(0, ...peaks) / 1e9).toFixed(2)} GB`;
}
