// A list of stages run one after the other: each is timed, a failed one does
// not stop those that do not need it, and a summary closes the run.

import { Trouble, bold, dim, duration, green, red } from "./say.mjs";

/**
 * Runs stages `{ name, needs?: [names], work }` in order and prints the
 * summary. Resolves to whether all passed.
 */
export async function runStages(stages) {
  const results = new Map();
  for (const { name, needs = [], work } of stages) {
    const missing = needs.filter((need) => results.get(need)?.outcome !== "passed");
    if (missing.length) {
      results.set(name, { outcome: "skipped", why: `needs ${missing.join(", ")}`, ms: 0 });
      continue;
    }
    console.error(bold(`\n── ${name}`));
    const began = performance.now();
    try {
      await work();
      results.set(name, { outcome: "passed", ms: performance.now() - began });
    } catch (error) {
      console.error(`${red("✗")} ${error instanceof Trouble ? error.message : error.stack}`);
      results.set(name, { outcome: "failed", ms: performance.now() - began });
    }
  }
  return summary(results);
}

const MARKS = { passed: green("✓"), failed: red("✗"), skipped: dim("–") };

function summary(results) {
  const total = { passed: 0, failed: 0, skipped: 0 };
  let ms = 0;
  console.log(bold("\n── Summary"));
  for (const [name, result] of results) {
    total[result.outcome] += 1;
    ms += result.ms;
    const detail = result.why ?? duration(result.ms);
    console.log(`  ${MARKS[result.outcome]} ${name.padEnd(40)} ${dim(detail)}`);
  }
  console.log(dim(`  in ${duration(ms)}`));
  const skipped = total.skipped ? `, ${total.skipped} skipped` : "";
  console.log(`stages: ${total.passed} passed, ${total.failed} failed${skipped}`);
  return total.failed === 0 && total.skipped === 0;
}
