// What a person reads while the scripts work: one line a step, with its time.
// Progress goes to standard error, so that a script's result can be piped.

const colour = process.stderr.isTTY && !process.env.NO_COLOR;
const paint = (code, text) => (colour ? `\x1b[${code}m${text}\x1b[0m` : text);

export const bold = (text) => paint("1", text);
export const dim = (text) => paint("2", text);
export const green = (text) => paint("32", text);
export const red = (text) => paint("31", text);

/** An error whose message is all that the person needs: no stack is shown. */
export class Trouble extends Error {}

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

/** Runs one step and prints how long it took. A step that finds nothing to do returns its reason. */
export async function step(name, work, expectation = "") {
  console.error(`${bold(`• ${name}`)}${expectation ? dim(` (${expectation})`) : ""}`);
  const began = performance.now();
  const reason = await work();
  const took = duration(performance.now() - began);
  console.error(dim(`  ${typeof reason === "string" ? `${reason}, ` : ""}${took}`));
}

/** The top of every script: prints a Trouble as one message, anything else with its stack. */
export async function main(work) {
  const began = performance.now();
  try {
    await work();
    return performance.now() - began;
  } catch (error) {
    console.error(`\n${red("✗")} ${error instanceof Trouble ? error.message : error.stack}`);
    process.exit(1);
  }
}
