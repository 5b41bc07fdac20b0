// A Python environment with PyTorch, the reference of the native bench; installed
// once, under the target directory.

import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { cache } from "../lib/paths.mjs";
import { run, output, which } from "../lib/run.mjs";
import { UserError, step } from "../lib/terminal.mjs";

/** Pinned, so that a ratio can be repeated. */
export const TORCH = "2.15.0";

const folder = join(cache, `python/torch-${TORCH}`);
const python = join(folder, "bin/python");
/** Written last, so that an interrupted installation is repeated. */
const done = join(folder, "complete");

/** Whether it is installed. */
export const hasTorch = () => existsSync(done);

/** The Python to run; installs PyTorch unless it is there. */
export async function torchPython() {
  if (hasTorch()) return python;
  const system = suitable();
  await step(
    `PyTorch ${TORCH}`,
    async () => {
      rmSync(folder, { recursive: true, force: true });
      await run(system, ["-m", "venv", folder], {
        advice: "Python's venv module is needed (Debian: `apt-get install python3-venv`).",
      });
      // On Linux the registry's build does not load without its CUDA libraries,
      // although nothing here uses them.
      const pip = ["-m", "pip", "install", "--quiet", "--no-cache-dir", "--disable-pip-version-check"];
      await run(python, [...pip, `torch==${TORCH}`], {
        advice: "It needs the Python registry and the space named above; run this again to try again.",
      });
      writeFileSync(done, `${TORCH}\n`);
    },
    "once, into the target directory: on Linux a download of gigabytes, 5.3 GB on disk",
  );
  return python;
}

function suitable() {
  const names = ["python3", "python"].filter((name) => which(name));
  const found = names.find((name) => output(name, ["-c", "import sys; sys.exit(sys.version_info < (3, 10))"]) !== null);
  if (found) return found;
  throw new UserError(
    "Python 3.10 or newer is needed to measure PyTorch, and there is none on the PATH.\n" +
      "  Install it (Debian: `apt-get install python3 python3-venv`) and run this again.",
  );
}
