// A tab that is closed in the middle of a save leaves the run as it was before or after
// it, never half of one. KILLS sets how often a tab is closed.

import { resolve } from 'node:path';

import type { BrowserContext, Page } from '@playwright/test';
import { build, type Rollup } from 'vite';

import type * as store from '../src/run/saved-runs';
import { expect, test } from './support/test';

const KILLS = Number(process.env['KILLS'] ?? 40);

/** Bytes of a checkpoint: a save takes some milliseconds. */
const SIZE = 2_000_000;

/** Longest time from a tab's first save to its end, in milliseconds. */
const LATEST = 40;

declare global {
  interface Window {
    Store: typeof store;
    /** How many saves this tab has finished. */
    done?: number;
  }
}

/** The page's own store, as a script. */
async function storeScript(): Promise<string> {
  const entry = resolve(import.meta.dirname, '../src/run/saved-runs.ts');
  const built = await build({
    configFile: false,
    logLevel: 'silent',
    build: { write: false, lib: { entry, formats: ['iife'], name: 'Store' } },
  });
  const [first] = built as Rollup.RollupOutput[];
  return first!.output[0].code;
}

/** A page of the site that holds nothing but the store. */
async function harness(context: BrowserContext, url: string, script: string): Promise<void> {
  await context.route(`${url}store.html`, (route) =>
    route.fulfill({
      contentType: 'text/html',
      body: '<!doctype html><title>store</title><link rel="icon" href="data:," /><script src="store.js"></script>',
    }),
  );
  await context.route(`${url}store.js`, (route) =>
    route.fulfill({ contentType: 'text/javascript', body: script }),
  );
}

/** Saves one state of run after run, and every third time the next run takes its place. */
async function saveWithoutEnd(page: Page, from: number): Promise<void> {
  await page.evaluate(
    ([first, size]) => {
      const { SavedRuns, CURRENT } = window.Store;
      const runs = new SavedRuns();
      const save = async (step: number): Promise<void> => {
        const bytes = new Uint8Array(size).fill(step % 251);
        const run = {
          ...{ id: CURRENT, preset: 'tiny', dataset: 'shakespeare', text: null, step },
          savedAt: step,
          checkpoint: bytes,
          optimizer: bytes.slice(0, size / 2),
          history: { training: [{ step, loss: 1 / step }], validation: [], elapsed: step },
        };
        if (step % 3 === 0) await runs.replaceCurrent(run, null);
        else await runs.save(run);
        window.done = step;
        await save(step + 1);
      };
      void save(first);
    },
    [from, SIZE] as const,
  );
}

/** What is stored: the steps of all runs, none of which may be half of one. */
async function stored(page: Page): Promise<{ current: number; kept: number[]; broken: string[] }> {
  return page.evaluate(async (size) => {
    const { SavedRuns, CURRENT } = window.Store;
    const runs = new SavedRuns();
    const current = await runs.load(CURRENT);
    const kept = await runs.kept();
    const broken: string[] = [];
    // Four bytes at a time: all of them, and sooner.
    const filled = (bytes: Uint8Array, byte: number) =>
      new Uint32Array(bytes.buffer).every((word) => word === byte * 0x01010101);
    for (const run of current ? [current, ...kept] : kept) {
      const { step, checkpoint, optimizer, history } = run;
      const whole =
        checkpoint.length === size &&
        filled(checkpoint, step % 251) &&
        optimizer?.length === size / 2 &&
        filled(optimizer, step % 251) &&
        history.training[0]?.step === step &&
        history.elapsed === step;
      if (!whole) broken.push(`${run.id} of step ${step}`);
    }
    return { current: current?.step ?? 0, kept: kept.map(({ step }) => step), broken };
  }, SIZE);
}

test(`a tab that is closed in the middle of a save, ${KILLS} times, leaves whole runs`, async ({
  context,
  page: watcher,
  site,
}) => {
  await harness(context, site.url, await storeScript());
  const address = `${site.url}store.html`;
  await watcher.goto(address);
  let next = 1;
  let saves = 0;
  for (let kill = 0; kill < KILLS; kill += 1) {
    const tab = await context.newPage();
    await tab.goto(address);
    await saveWithoutEnd(tab, next);
    await tab.waitForFunction(() => window.done !== undefined);
    await tab.waitForTimeout(Math.random() * LATEST);
    // Whatever it is doing then.
    const done = await tab.evaluate(() => window.done ?? 0);
    await tab.close();

    const { current, kept, broken } = await stored(watcher);
    expect(broken, `after ${kill + 1} kills`).toEqual([]);
    // What was said to be saved is there, and nothing that was not begun.
    expect(current).toBeGreaterThanOrEqual(done);
    // The runs before it: each ended where the next one took its place.
    const latest = current - (current % 3) - 1;
    const expected = [0, 1, 2, 3, 4].map((age) => latest - 3 * age).filter((step) => step > 0);
    expect(kept).toEqual(expected);
    saves += current - next + 1;
    next = current + 1;
  }
  // Tabs were closed while they saved, not before.
  expect(saves).toBeGreaterThan(KILLS);
});
