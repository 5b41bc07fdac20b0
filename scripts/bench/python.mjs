// Python environments with one pinned package each, the peers of the native benches;
// installed once, under the target directory.

import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { cache } from "../lib/paths.mjs";
import { run, output, which } from "../lib/run.mjs";
import { UserError, step } from "../lib/terminal.mjs";

/** Pinned, so that a ratio can be repeated. `size` is said before it is installed. */
const PACKAGES = {
  torch: {
    title: "PyTorch",
    version: "2.15.0",
    // On Linux the registry's build does not load without its CUDA libraries, although
    // nothing here uses them.
    size: "on Linux a download of gigabytes, 5.3 GB on disk",
  },
  xllamacpp: { title: "llama.cpp (xllamacpp)", version: "2026.10.11549", size: "a download of 50 MB" },
};

const folder = (name) => join(cache, `python/${name}-${PACKAGES[name].version}`);
/** Written last, so that an interrupted installation is repeated. */
const done = (name) => join(folder(name), "complete");

/** Name and version of a package, for people. */
export const titled = (name) => `${PACKAGES[name].title} ${PACKAGES[name].version}`;

/** Whether it is installed. */
export const has = (name) => existsSync(done(name));

/** The Python with the package `name`; installs it unless it is there. */
export async function pythonWith(name) {
  const { version, size } = PACKAGES[name];
  const python = join(folder(name), "bin/python");
  if (has(name)) return python;
  const system = suitable();
  await step(
    titled(name),
    async () => {
      rmSync(folder(name), { recursive: true, force: true });
      await run(system, ["-m", "venv", folder(name)], {
        advice: "Python's venv module is needed (Debian: `apt-get install python3-venv`).",
      });
      const pip = ["-m", "pip", "install", "--quiet", "--no-cache-dir", "--disable-pip-version-check"];
      await run(python, [...pip, `${name}==${version}`], {
        advice: "It needs the Python registry and the space named above; run this again to try again.",
      });
      writeFileSync(done(name), `${version}\n`);
    },
    `once, into the target directory: ${size}`,
  );
  return python;
}

function suitable() {
  const names = ["python3", "python"].filter((name) => which(name));
  const found = names.find((name) => output(name, ["-c", "import sys; sys.exit(sys.version_info < (3, 10))"]) !== null);
  if (found) return found;
  throw new UserError(
    "Python 3.10 or newer is needed for this comparison, and there is none on the PATH.\n" +
      "  Install it (Debian: `apt-get install python3 python3-venv`) and run this again.",
  );
}
