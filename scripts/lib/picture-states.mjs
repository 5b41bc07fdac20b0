// The states of the page that are worth a picture, and how to get there. Small
// models and few steps, so that no state takes more than seconds; what is lost,
// missing or slow is made so by the browser.

import { existsSync } from "node:fs";
import { join } from "node:path";

import { dist } from "./paths.mjs";
import { TEXT_ROOM } from "./rooms.mjs";
import { openTab, press } from "./tabs.mjs";

/** How long a state may take on a slow machine. */
const PATIENCE = 300_000;
const TINY = "?preset=tiny&max_iters=100000";
const TEXT = "she sells sea shells by the sea shore.\n".repeat(100);

const step = (page, phase) =>
  page.locator(`[data-testid="step"][data-phase="${phase}"]`).waitFor({ state: "attached", timeout: PATIENCE });

async function open(page, url, query = TINY, phase = "paused") {
  await page.goto(url + TEXT_ROOM + query);
  await step(page, phase);
}

async function reach(page, n) {
  await page.waitForFunction((n) => Number(document.querySelector('[data-testid="step"]')?.dataset.step) >= n, n, {
    timeout: PATIENCE,
  });
}

/** What is written only while it is in sight is written now; ends at the top. */
async function everything(page) {
  await openTab(page, "Explore");
  for (const part of ["think", "depths", "attention"]) {
    await page.locator(`#${part}`).scrollIntoViewIfNeeded();
    await page.waitForFunction(
      (part) => {
        const writing = document.querySelectorAll(`#${part} [data-writing]`);
        return [...writing].every((each) => each.dataset.writing === "false" && each.textContent.length > 40);
      },
      part,
      { timeout: PATIENCE },
    );
  }
  await page.evaluate(() => scrollTo(0, 0));
}

async function trained(page, url, steps) {
  await open(page, url, `?preset=page-tiny&max_iters=${steps}`);
  await press(page, "Train");
  await step(page, "done");
  await everything(page);
}

async function give(page, type, name, content) {
  const transfer = await page.evaluateHandle(
    ([name, content]) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([content], name));
      return transfer;
    },
    [name, content],
  );
  await page.dispatchEvent("body", type, { dataTransfer: transfer });
}

/** Requests that match are never answered, until the page is gone. */
const hold = (page, pattern) => page.route(pattern, () => new Promise(() => undefined));
const refuse = (page, pattern) => page.route(pattern, (route) => route.abort());

async function setAside(page, url) {
  await open(page, url);
  for (const steps of [2, 3]) {
    for (let i = 1; i <= steps; i++) {
      await press(page, "Step");
      await reach(page, i);
    }
    await page.getByText(/Saved in this browser at/).waitFor({ state: "attached" });
    await press(page, "Reset");
    await page.locator('[data-testid="step"][data-step="0"]').waitFor({ state: "attached" });
  }
  await openTab(page, "Library");
  const kept = page.getByTestId("kept");
  await kept.getByRole("listitem").nth(1).waitFor();
}

/** The language page with a supplied model, when everything on it is written. */
export async function openedLanguagePage(page, url) {
  await open(page, url, "", "done");
  await everything(page);
}

/** The language page with a supplied model that has written its first characters. */
export async function writingStarted(page, url) {
  await page.goto(url + TEXT_ROOM);
  await page.waitForFunction(
    () => document.querySelector('#think [data-writing="true"]')?.textContent.trim().length > 30,
    undefined,
    { timeout: PATIENCE },
  );
}

/** States with models that come with the page; without any there is nothing to see in them. */
const SHIPPED = [
  {
    state: "opened",
    prepare: openedLanguagePage,
  },
  {
    state: "walk",
    prepare: async (page, url) => {
      await open(page, url, "", "done");
      await press(page, "Take the tour");
    },
  },
  {
    state: "fetching",
    prepare: async (page, url) => {
      await hold(page, "**/*.safetensors?*");
      await page.goto(url + TEXT_ROOM);
      await page
        .getByText(/^Downloading/)
        .first()
        .waitFor();
    },
  },
  {
    state: "fetch-failed",
    prepare: async (page, url) => {
      await refuse(page, "**/*.safetensors?*");
      await open(page, url, "");
    },
  },
];

/** The Puzzles page, at a puzzle whose answer is known. */
const PUZZLE = "puzzles.html?kind=sudoku-4x4&puzzle=1.3..4.22.4..3.1";

/** A model of ARC's sample tasks that learns within seconds. */
const ARC =
  "?preset=arc&hidden_size=16&num_heads=2&n_layers=1&h_cycles=1&l_cycles=1&halt_max_steps=3" +
  "&puzzle_emb_ndim=16&puzzle_emb_len=1&batch_size=2&num_aug=4&max_iters=1000&learning_rate=0.01&warmup_iters=2";

/** The puzzles page at `address`, when the model has answered. */
export async function solvedPuzzle(page, url, address = PUZZLE) {
  await page.goto(url + address);
  await page.getByTestId("answer").waitFor({ timeout: PATIENCE });
  await page.locator('[data-testid="steps"][data-playing="false"]').waitFor();
}

const PUZZLES = [
  { state: "puzzle", prepare: (page, url) => solvedPuzzle(page, url) },
  {
    state: "puzzle-refused",
    prepare: async (page, url) => {
      await solvedPuzzle(page, url);
      await page.getByText("Paste a puzzle").click();
      await page.getByRole("textbox", { name: /^One line of/ }).fill("11..............");
      await press(page, "Load puzzle");
      await page.getByText("This puzzle is impossible").waitFor();
    },
  },
  {
    state: "puzzle-training",
    prepare: async (page, url) => {
      await page.goto(`${url}puzzles.html?preset=sudoku-4x4`);
      await step(page, "paused");
      await press(page, "Train");
      await reach(page, 60);
    },
  },
  {
    state: "arc",
    prepare: async (page, url) => {
      await page.goto(`${url}puzzles.html${ARC}`);
      await step(page, "paused");
      await press(page, "Train");
      await reach(page, 30);
      await press(page, "Pause");
      await press(page, "Answer");
      await page.locator('[data-testid="attempts"][data-votes="5"][data-of="5"]').waitFor({ timeout: PATIENCE });
    },
  },
];

/** The images page, when the model has answered. */
export async function classifiedImage(page, url, address = "images.html") {
  await page.goto(url + address);
  await page.locator('[data-testid="answer"][data-top]').waitFor({ timeout: PATIENCE });
  await page.locator('[data-testid="steps"][data-playing="false"]').waitFor();
}

const IMAGES = [
  { state: "image", prepare: (page, url) => classifiedImage(page, url) },
  {
    state: "image-trained",
    prepare: async (page, url) => {
      await classifiedImage(page, url, "images.html?preset=digits&max_iters=150");
      await press(page, "Train");
      await step(page, "done");
      await press(page, "Measure");
      await page.locator('[data-testid="measured"][data-busy="false"][data-accuracy]').waitFor({ timeout: PATIENCE });
    },
  },
];

/** The start page, while both of its models work, and when the puzzle is solved. */
const START = [
  {
    state: "start",
    prepare: async (page, url) => {
      await page.goto(url);
      await page.locator('[data-testid="solving"][data-step="3"]').waitFor({ timeout: PATIENCE });
    },
  },
  {
    state: "start-solved",
    prepare: async (page, url) => {
      await page.goto(url);
      await page.locator('[data-testid="solving"][data-playing="false"][data-solved="true"]').waitFor();
    },
  },
];

const ALWAYS = [
  {
    state: "loading",
    prepare: async (page, url) => {
      await refuse(page, "**/assets/language-*.js");
      await page.goto(url + TEXT_ROOM);
      await page.getByText("Still loading").waitFor();
    },
  },
  {
    state: "opening",
    prepare: async (page, url) => {
      await hold(page, "**/wasm/**");
      // Waiting for all of the page would be waiting for what never comes.
      await page.goto(url + TEXT_ROOM, { waitUntil: "domcontentloaded" });
      await page.getByText("Loading the engine").first().waitFor();
    },
  },
  {
    state: "broken",
    prepare: async (page, url) => {
      await refuse(page, "**/wasm/**");
      await page.goto(url + TEXT_ROOM);
      await step(page, "broken");
    },
  },
  {
    state: "no-models",
    prepare: async (page, url) => {
      await page.route("**/checkpoints/**", (route) => route.fulfill({ status: 404 }));
      await open(page, url, "");
      await everything(page);
    },
  },
  {
    state: "training",
    prepare: async (page, url) => {
      await open(page, url, "?preset=page-tiny");
      await press(page, "Train");
      await reach(page, 60);
    },
  },
  {
    state: "paused",
    prepare: async (page, url) => {
      await open(page, url);
      await press(page, "Train");
      await reach(page, 150);
      await press(page, "Pause");
      await step(page, "paused");
      await everything(page);
    },
  },
  { state: "trained", prepare: trained },
  {
    state: "chunk",
    prepare: async (page, url) => {
      await open(page, url, "?preset=page-chunk&prompt=What+say+you&depth=4");
      await press(page, "Train");
      await reach(page, 150);
      await press(page, "Pause");
      await step(page, "paused");
      await openTab(page, "Explore");
      const chunk = page.locator("#chunk");
      await chunk.scrollIntoViewIfNeeded();
      await page.waitForFunction(() => Number(document.querySelector("#chunk")?.dataset.step) >= 150);
      await press(page, "Append chunk");
      await chunk.locator('[data-at="3/1"]').focus();
      await everything(page);
    },
  },
  {
    state: "leak",
    prepare: async (page, url) => {
      await page.goto(`${url}leak.html`);
      await press(page, "Train the leaky model");
      await page.locator('[data-testid="leak"][data-scored="40"]').waitFor({ timeout: PATIENCE });
      await press(page, "Stop");
    },
  },
  {
    state: "settings",
    prepare: async (page, url) => {
      await open(page, url);
      await openTab(page, "Train");
      await page.getByText("Settings", { exact: true }).click();
    },
  },
  {
    state: "error",
    prepare: async (page, url) => {
      await open(page, url);
      await give(page, "drop", "empty.txt", "");
      await page.getByTestId("notice").getByRole("paragraph").waitFor();
    },
  },
  {
    state: "worker-lost",
    prepare: async (page, url) => {
      await open(page, url);
      await press(page, "Train");
      await reach(page, 50);
      const [worker] = page.workers();
      await worker.evaluate(() => {
        setTimeout(() => {
          throw new Error("the graphics device was lost");
        });
      });
      await page.getByText(/Went back from step/).waitFor();
    },
  },
  {
    state: "dropping",
    prepare: async (page, url) => {
      await open(page, url);
      await give(page, "dragover", "a.txt", "");
    },
  },
  {
    state: "own-text",
    prepare: async (page, url) => {
      await open(page, url);
      await give(page, "drop", "shells.txt", TEXT);
      await page
        .getByTestId("notice")
        .getByText(/trains on “shells.txt”/)
        .waitFor();
    },
  },
  {
    state: "kept",
    prepare: async (page, url) => {
      await setAside(page, url);
      await page
        .getByTestId("kept")
        .getByRole("button", { name: /^Delete/ })
        .first()
        .click();
      await page.getByRole("button", { name: "Undo", exact: true }).waitFor();
    },
  },
];

/** `{ state, prepare(page, url, steps) }` in the order in which a visitor might meet them. */
export function pictureStates() {
  const shipped = existsSync(join(dist, "checkpoints/manifest.json")) ? [...START, ...SHIPPED] : [];
  return [...shipped, ...ALWAYS, ...PUZZLES, ...IMAGES];
}
