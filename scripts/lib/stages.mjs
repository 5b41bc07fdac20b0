// A list of stages run one after the other. Each is timed; a failed stage does
// not stop those that do not need it, and a summary ends the run.

import { UserError, bold, dim, duration, green, red } from "./terminal.mjs";

/** The named stages, each with the stages that it needs; all of them where none is named. */
export function chosen(stages, names) {
  const unknown = names.filter((name) => !stages.some((stage) => stage.name === name));
  if (unknown.length) {
    throw new UserError(`Unknown stage: ${unknown.join(", ")}. Stages: ${stages.map(({ name }) => name).join(", ")}.`);
  }
  if (!names.length) return stages.filter(({ onlyCI }) => !onlyCI || process.env.CI);
  const wanted = new Set(names);
  for (const stage of [...stages].reverse()) {
    if (wanted.has(stage.name)) for (const need of stage.needs ?? []) wanted.add(need);
  }
  return stages.filter((stage) => wanted.has(stage.name));
}

/**
 * Runs stages `{ name, needs?: [names], lacks?, work }` in order, prints each one's time
 * when it ends and a summary at last. `lacks` says what this machine lacks for the stage,
 * which is skipped then. Resolves to whether all others passed.
 */
export async function runStages(stages) {
  const results = new Map();
  const began = performance.now();
  for (const { name, needs = [], lacks, work } of stages) {
    const lacking = lacks?.();
    if (lacking) {
      console.error(bold(`\n── ${name}`));
      console.error(`${MARKS.skipped} ${name}: skipped: ${lacking}`);
      results.set(name, { outcome: "skipped", why: lacking, allowed: true, ms: 0 });
      continue;
    }
    const missing = needs.filter((need) => results.get(need)?.outcome !== "passed");
    if (missing.length) {
      results.set(name, { outcome: "skipped", why: `needs ${missing.join(", ")}`, ms: 0 });
      continue;
    }
    console.error(bold(`\n── ${name}`));
    const result = await timed(work);
    results.set(name, result);
    console.error(`${MARKS[result.outcome]} ${name}: ${duration(result.ms)}`);
  }
  return summary(results, performance.now() - began);
}

async function timed(work) {
  const began = performance.now();
  let outcome = "passed";
  try {
    await work();
  } catch (error) {
    console.error(`${red("✗")} ${error instanceof UserError ? error.message : error.stack}`);
    outcome = "failed";
  }
  return { outcome, ms: performance.now() - began };
}

const MARKS = { passed: green("✓"), failed: red("✗"), skipped: dim("–") };

function summary(results, ms) {
  const total = { passed: 0, failed: 0, skipped: 0 };
  const passed = [...results.values()].every(({ outcome, allowed }) => outcome === "passed" || allowed);
  console.log(bold("\n── Summary"));
  for (const [name, result] of results) {
    total[result.outcome] += 1;
    const share = `${Math.round((100 * result.ms) / ms)} %`.padStart(5);
    const detail = result.why ?? `${duration(result.ms).padStart(12)} ${share}`;
    console.log(`  ${MARKS[result.outcome]} ${name.padEnd(24)} ${dim(detail)}`);
  }
  console.log(dim(`  total: ${duration(ms)}`));
  const skipped = total.skipped ? `, ${total.skipped} skipped` : "";
  console.log(`stages: ${total.passed} passed, ${total.failed} failed${skipped}`);
  return passed;
}
