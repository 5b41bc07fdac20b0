// Trains in headless Chromium for a long time and checks that nothing grows:
// memory in JavaScript (page and worker), in wasm and on the device, the browser's
// processes, the document. Fails when a figure grows or an error occurs in a tab.
// It does not measure speed.
//
//   node scripts/soak.mjs [--minutes 120] [--device cpu|gpu|both] [--preset page-tiny]
//                         [--dist FOLDER] [--json FILE]

import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

import { judge } from "./lib/flat.mjs";
import { UserError, bold, bytes, dim, green, main, note, red } from "./lib/terminal.mjs";
import { watch } from "./lib/watched.mjs";
import { buildSite } from "./build.mjs";
import { serve } from "./serve.mjs";

/**
 * What a figure may grow in an hour. Two megabytes an hour are a tenth of what
 * such a tab holds, and not felt over a working day. Processes may grow more,
 * since allocators keep what they once had; the document is drawn many times a
 * second and must keep its size.
 */
const HELD = { least: 2e6, share: 0.05, floor: 1e6 };
const PROCESS = { least: 16e6, share: 0.05, floor: 10e6 };
const LIMITS = {
  "JS heap, page": HELD,
  "JS heap, worker": HELD,
  "buffers, page": HELD,
  "buffers, worker": HELD,
  wasm: HELD,
  device: HELD,
  "renderer process": PROCESS,
  "GPU process": PROCESS,
  "DOM nodes": { least: 200, share: 0.05 },
  listeners: { least: 20, share: 0.05 },
  // The browser frees disk space at times of its own choice.
  storage: { least: 32e6, share: 0.2 },
};
const COUNTED = new Set(["DOM nodes", "listeners"]);

const MINUTE = 60_000;
/** Samples of a run at most; the fit uses every pair of them. */
const SAMPLES = 480;
/** Milliseconds between two samples at least: each collects garbage. */
const SHORTEST = 2_000;
/** A tab without a new step for so long is stuck. */
const STUCK = 2 * MINUTE;

/** Trains for `minutes` on all `devices` at once. Returns the samples of each; `along` gets them during the run. */
export async function soak({ minutes, devices, preset, folder, along = () => undefined }) {
  const site = await serve(folder ? { folder } : {});
  const tabs = [];
  try {
    for (const device of devices) tabs.push(await watch(site.url, { device, preset }));
    const began = performance.now();
    const seen = tabs.map(({ device, errors }) => ({
      device,
      errors,
      samples: [],
    }));
    const end = minutes * MINUTE;
    const every = Math.max(SHORTEST, end / SAMPLES);
    let told = 0;
    for (let now = 0; now < end; now = performance.now() - began) {
      for (const [i, tab] of tabs.entries()) {
        const at = performance.now() - began;
        check(seen[i], { at: at / MINUTE / 60, ...(await tab.sample()) });
      }
      if (now >= told) {
        for (const each of seen) progress(now, each);
        along(seen);
        told = now + Math.max(MINUTE / 2, end / 24);
      }
      await pause(Math.max(0, now + every - (performance.now() - began)));
    }
    return seen.map((each) => ({ ...each, verdicts: verdicts(each.samples) }));
  } finally {
    for (const tab of tabs) await tab.close();
    await site.close();
  }
}

/** Takes a sample and notes the errors that it shows. */
function check(seen, sample) {
  const before = seen.samples.at(-1);
  const wrong = (what) => seen.errors.includes(what) || seen.errors.push(what);
  if (sample.phase !== "training") wrong(`the phase is ${sample.phase}`);
  if (sample.notice) wrong(`the page says: ${sample.notice}`);
  if (before && sample.step < before.step) wrong(`went back from step ${before.step} to ${sample.step}`);
  seen.samples.push(sample);
  const moved = seen.samples.find(({ step }) => step === sample.step);
  if ((sample.at - moved.at) * 60 * MINUTE > STUCK) wrong(`made no step after ${sample.step}`);
}

function verdicts(samples) {
  return Object.entries(LIMITS).flatMap(([name, limit]) => {
    const points = samples.map(({ at, figures }) => ({
      at,
      value: figures[name],
    }));
    // A figure that this browser or device does not have; one that is missing once is a fault.
    if (points.every(({ value }) => value === null)) return [];
    const missing = points.find(({ value }) => value === null);
    if (missing) throw new UserError(`${name} was not measured after ${missing.at.toFixed(2)} hours.`);
    return [{ name, ...judge(points, limit) }];
  });
}

function progress(now, { device, samples, errors }) {
  const { step, figures } = samples.at(-1);
  const held = ["JS heap, page", "JS heap, worker", "wasm", "device", "renderer process", "GPU process"]
    .filter((name) => figures[name] !== null)
    .map((name) => `${name} ${bytes(figures[name])}`);
  const trouble = errors.length ? `, ${red(`${errors.length} errors`)}` : "";
  note(`${(now / MINUTE).toFixed(1).padStart(5)} min  ${device}  step ${step}  ${held.join(", ")}${trouble}`);
}

function show({ device, samples, errors, verdicts }) {
  const { at, step } = samples.at(-1);
  console.log(bold(`\n${device}: ${step} steps in ${(at * 60).toFixed(0)} minutes, ${samples.length} samples`));
  console.log(dim("  after the warm-up           start         end    growth in an hour (95 %)              limit"));
  for (const each of verdicts) console.log(row(each));
  for (const error of errors) console.log(`  ${red("✗")} ${error}`);
}

function row({ name, verdict, start, end, growth, least, most, allowed }) {
  const mark = verdict === "flat" ? green("✓") : red("✗");
  if (start === undefined) return `  ${mark} ${name.padEnd(18)} ${verdict}`;
  const unit = COUNTED.has(name) ? (n) => String(Math.round(n)) : bytes;
  const size = (n) => (n < 0 ? `−${unit(-n)}` : unit(Math.round(n)));
  const interval = `${size(growth)} (${size(least)} to ${size(most)})`;
  return `  ${mark} ${name.padEnd(18)} ${size(start).padStart(11)} ${size(end).padStart(11)}  ${interval.padEnd(36)} ${size(allowed).padStart(9)}`;
}

/** Whether nothing grew and no error occurred. */
export function clean(seen) {
  return seen.every(({ errors, verdicts }) => errors.length === 0 && verdicts.every((v) => v.verdict === "flat"));
}

/** Runs the soak, prints its table and fails when it is not clean. */
export async function checkSoak(options, file) {
  const write = (seen) => file && writeFileSync(file, JSON.stringify(seen, null, 2));
  // Also written during the run: one that is interrupted leaves its samples.
  const seen = await soak({ ...options, along: write });
  for (const each of seen) show(each);
  write(seen);
  if (!clean(seen)) throw new UserError("A figure grew or an error occurred: see the lines marked ✗ above.");
  console.log(`\n${green("✓")} nothing grew`);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await main(async () => {
    const { values } = parseArgs({
      options: {
        minutes: { type: "string", default: "120" },
        device: { type: "string", default: "both" },
        preset: { type: "string", default: "page-tiny" },
        dist: { type: "string" },
        json: { type: "string" },
      },
    });
    const minutes = Number(values.minutes);
    const devices = { cpu: ["cpu"], gpu: ["gpu"], both: ["cpu", "gpu"] }[values.device];
    if (!(minutes > 0) || !devices) {
      throw new UserError(
        "usage: soak.mjs [--minutes N] [--device cpu|gpu|both] [--preset P] [--dist FOLDER] [--json FILE]",
      );
    }
    if (!values.dist) await buildSite();
    const folder = values.dist && resolve(values.dist);
    await checkSoak({ minutes, devices, preset: values.preset, folder }, values.json);
  });
}
