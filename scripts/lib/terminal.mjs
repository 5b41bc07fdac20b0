// Terminal output of the scripts: one line for each step, with its time. Progress
// goes to standard error, so that a script's result can be piped.

const colour = process.stderr.isTTY && !process.env.NO_COLOR;
const paint = (code, text) => (colour ? `\x1b[${code}m${text}\x1b[0m` : text);

export const bold = (text) => paint("1", text);
export const dim = (text) => paint("2", text);
export const green = (text) => paint("32", text);
export const red = (text) => paint("31", text);

/** An error that is shown as its message alone, without a stack. */
export class UserError extends Error {}

export function duration(ms) {
  if (ms < 950) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
}

export function bytes(n) {
  if (n < 1e3) return `${n} B`;
  return n < 1e6 ? `${(n / 1e3).toFixed(1)} KB` : `${(n / 1e6).toFixed(2)} MB`;
}

export function note(text) {
  console.error(dim(`  ${text}`));
}

/** Runs one step and prints its time. A step that has nothing to do returns the reason. */
export async function step(name, work, expectation = "") {
  console.error(`${bold(`• ${name}`)}${expectation ? dim(` (${expectation})`) : ""}`);
  const began = performance.now();
  const reason = await work();
  const took = duration(performance.now() - began);
  console.error(dim(`  ${typeof reason === "string" ? `${reason}, ` : ""}${took}`));
}

/** The top of every script: prints a UserError as one message, anything else with its stack. */
export async function main(work) {
  const began = performance.now();
  try {
    await work();
    return performance.now() - began;
  } catch (error) {
    console.error(`\n${red("✗")} ${error instanceof UserError ? error.message : error.stack}`);
    process.exit(1);
  }
}
