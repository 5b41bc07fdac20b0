// The rules for source files: at most 400 lines, no circular imports between the files of
// one crate or of the page, and scripts that start before any package is installed.

import { existsSync, readFileSync, readdirSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";

import { files } from "./inputs.mjs";
import { root } from "./paths.mjs";
import { rustEdges } from "./rust-imports.mjs";
import { UserError } from "./terminal.mjs";

/** Lines of a file without a stated reason for more. */
const MOST_LINES = 400;
/** How a file states its reason, in its first comment. */
const REASON = /more than 400 lines because\b/i;
const SOURCE = /\.(rs|ts|svelte|mjs|css)$/;
const GENERATED = /^web\/src\/gen\//;

/** Throws when a source file breaks a rule. */
export function checkStructure() {
  const wrong = [...longFiles(), ...circles(), ...earlyPackages()];
  if (wrong.length) throw new UserError(`Source files break the rules of their structure:\n  ${wrong.join("\n  ")}`);
}

function sources() {
  const crates = readdirSync(join(root, "crates")).flatMap((name) =>
    ["src", "tests", "benches", "examples", "build.rs"].map((part) => `crates/${name}/${part}`),
  );
  const all = files([...crates, "web/src", "web/tests", "web/e2e", "scripts"]).map((path) => relative(root, path));
  return all.filter((path) => SOURCE.test(path) && !GENERATED.test(path));
}

export function longFiles() {
  return sources().flatMap((path) => {
    const text = readFileSync(join(root, path), "utf8");
    const lines = text.split("\n").length - 1;
    if (lines <= MOST_LINES || REASON.test(firstComment(text))) return [];
    return [`${path} has ${lines} lines (at most ${MOST_LINES}, or a reason in its first comment)`];
  });
}

/**
 * Scripts that import a package where they begin. `npm start` and `npm test` install the
 * packages themselves, so a package is imported where it is used: `await import(…)`.
 */
function earlyPackages() {
  const scripts = sources().filter((path) => path.startsWith("scripts/") && path.endsWith(".mjs"));
  return scripts.flatMap((path) =>
    packagesOf(readFileSync(join(root, path), "utf8")).map(
      (name) => `${path} imports the package ${name} before it can be installed; use await import("${name}")`,
    ),
  );
}

/** The packages that a module's static imports name. */
export function packagesOf(text) {
  const statement = /^(?:(?:import|export)\b[^"'();=]*\bfrom\s*|import\s*)["']([^"']+)["']/gm;
  const names = [...text.matchAll(statement)].map(([, name]) => name);
  // A browser's modules have addresses.
  return names.filter((name) => !/^(node:|\.|\/)/.test(name));
}

/** The comment that a file begins with, on one line. */
export function firstComment(text) {
  const [comment = ""] = /^\s*(?:(?:\/\/[^\n]*\n\s*)+|\/\*[\s\S]*?\*\/|<!--[\s\S]*?-->)/.exec(text) ?? [];
  return comment.replace(/\n\s*(?:\/\/[!/]?|\*)?\s*/g, " ");
}

/** Circles in every crate and in the TypeScript and JavaScript. */
export function circles() {
  const crates = readdirSync(join(root, "crates")).flatMap((name) =>
    ["lib.rs", "main.rs"].map((file) => join(root, "crates", name, "src", file)).filter((file) => existsSync(file)),
  );
  const graphs = [...crates.map((file) => rustEdges(file, root)), scriptEdges()];
  return graphs.flatMap((edges) => knots(edges).map((knot) => `circular imports: ${way(edges, knot)}`));
}

/** A circle with the name that makes each of its edges. */
function way(edges, knot) {
  return knot.map((file, i) => (i ? `-> ${file} (${edges.get(knot[i - 1]).get(file)})` : file)).join(" ");
}

/** Import edges between modules of the page, its tests and the scripts; imports of types count too. */
function scriptEdges() {
  const edges = new Map();
  for (const path of sources().filter((each) => /\.(ts|svelte|mjs)$/.test(each))) {
    const text = readFileSync(join(root, path), "utf8").replace(/^\s*(\/\/|\*).*$/gm, "");
    const named = [...text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*["'](\.[^"']*)["']/g)].map(([, name]) => name);
    const targets = named.map((name) => [resolved(path, name), name]).filter(([target]) => target);
    edges.set(path, new Map(targets));
  }
  return edges;
}

function resolved(from, name) {
  const base = resolve(root, dirname(from), name.replace(/\?.*$/, ""));
  const tried = [base, `${base}.ts`, `${base}.mjs`, join(base, "index.ts")];
  const found = tried.find((path) => SOURCE.test(path) && existsSync(path));
  return found && relative(root, found);
}

/**
 * One circle for each group of files that reach each other, as the shortest way
 * from its first file back to it.
 */
export function knots(edges) {
  return groups(edges).map((group) => shortest(edges, group));
}

/** Tarjan's strongly connected components with more than one file. */
function groups(edges) {
  const index = new Map();
  const low = new Map();
  const stack = [];
  const found = [];
  const visit = (node) => {
    index.set(node, index.size);
    low.set(node, index.get(node));
    stack.push(node);
    for (const next of edges.get(node)?.keys() ?? []) {
      if (!index.has(next)) {
        visit(next);
        low.set(node, Math.min(low.get(node), low.get(next)));
      } else if (stack.includes(next)) {
        low.set(node, Math.min(low.get(node), index.get(next)));
      }
    }
    if (low.get(node) !== index.get(node)) return;
    const group = stack.splice(stack.indexOf(node));
    if (group.length > 1) found.push(group.sort());
  };
  for (const node of [...edges.keys()].sort()) if (!index.has(node)) visit(node);
  return found;
}

function shortest(edges, group) {
  let best;
  for (const start of group) {
    const before = new Map([[start, null]]);
    const queue = [start];
    for (const node of queue) {
      const next = [...(edges.get(node)?.keys() ?? [])].filter((each) => group.includes(each)).sort();
      if (next.includes(start)) {
        const way = [start];
        for (let at = node; at; at = before.get(at)) way.unshift(at);
        if (!best || way.length < best.length) best = way;
        break;
      }
      for (const each of next) {
        if (before.has(each)) continue;
        before.set(each, node);
        queue.push(each);
      }
    }
  }
  return best;
}
