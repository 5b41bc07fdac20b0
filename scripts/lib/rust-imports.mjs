// Which file of a crate uses which other: the graph behind the check for
// circular imports. It reads Rust by pattern, which is enough for formatted code.
//
// An edge A -> B means: code of A names an item that B defines.
// - `mod b;` and `pub use b::Item;` are no edges: a module file may declare and
//   re-export its children. A name that comes through a re-export is followed to
//   the file that defines it.
// - Test code (`#[cfg(test)]`) is left out.

import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

/** Source without comments, string contents and test modules; line breaks stay. */
export function bare(source) {
  const literal =
    /\/\/[^\n]*|\/\*[\s\S]*?\*\/|\bb?r(#*)"[\s\S]*?"\1|\bb?"(?:\\[\s\S]|[^"\\])*"|"(?:\\[\s\S]|[^"\\])*"|'(?:\\[^\n]+?|[^'\\\n])'/g;
  const code = source.replace(literal, (found) => (found.startsWith("/") ? " " : '""'));
  return withoutTests(code);
}

function withoutTests(code) {
  const start = /#\[cfg\((?:all\()?test\b[^\]]*\]\s*/g;
  let kept = "";
  let from = 0;
  for (let found = start.exec(code); found; found = start.exec(code)) {
    kept += code.slice(from, found.index);
    from = itemEnd(code, start.lastIndex);
    start.lastIndex = from;
  }
  return kept + code.slice(from);
}

/** The end of the item that begins at `at`: its `;`, or the brace that closes its body. */
function itemEnd(code, at) {
  let depth = 0;
  for (let i = at; i < code.length; i += 1) {
    if ("{([".includes(code[i])) depth += 1;
    if ("})]".includes(code[i])) {
      depth -= 1;
      if (depth < 0) return i;
      if (depth === 0 && code[i] === "}") return i + 1;
    }
    if (depth === 0 && code[i] === ";") return i + 1;
  }
  return code.length;
}

/** `a::{b, c::{self, d as e}}` as paths: `{ path: [...], name }`, the name that it binds. */
export function useTree(text, before = []) {
  const trimmed = text.trim();
  const open = trimmed.indexOf("{");
  if (open < 0) {
    const [path, alias] = trimmed.split(/\s+as\s+/);
    const parts = [...before, ...path.split("::").map((part) => part.trim())].filter(Boolean);
    if (parts.at(-1) === "self" && parts.length > 1) parts.pop();
    return parts.length ? [{ path: parts, name: alias ?? parts.at(-1) }] : [];
  }
  const prefix = [
    ...before,
    ...trimmed
      .slice(0, open)
      .split("::")
      .map((part) => part.trim()),
  ].filter(Boolean);
  return branches(trimmed.slice(open + 1, trimmed.lastIndexOf("}"))).flatMap((each) => useTree(each, prefix));
}

/** Splits at the commas outside of braces. */
function branches(text) {
  const parts = [""];
  let depth = 0;
  for (const char of text) {
    if (char === "{") depth += 1;
    if (char === "}") depth -= 1;
    if (char === "," && depth === 0) parts.push("");
    else parts[parts.length - 1] += char;
  }
  return parts.filter((part) => part.trim());
}

const USE = /(^|[\s;{}])(pub(?:\([^)]*\))?\s+)?use\s+([^;]+);/g;
const MOD = /(?:^|[\s;}\]])(?:pub(?:\([^)]*\))?\s+)?mod\s+(\w+)\s*;/g;
const PATH = /(?<![\w:$])\$?([A-Za-z_]\w*)((?:\s*::\s*[A-Za-z_]\w*)+)/g;

/**
 * The files of a crate by module path (`""` for its root), from the root down:
 * only what is declared by a `mod` outside of tests.
 */
export function crateFiles(rootFile) {
  const found = new Map();
  const visit = (file, module) => {
    const code = bare(readFileSync(file, "utf8"));
    const children = [...code.matchAll(MOD)].map(([, name]) => name);
    found.set(module, { file, module, code, children, ...imports(code) });
    const own = /(?:^|\/)(?:lib|main|mod)\.rs$/.test(file);
    const folder = own ? dirname(file) : file.replace(/\.rs$/, "");
    for (const name of children) {
      const path = [join(folder, `${name}.rs`), join(folder, name, "mod.rs")].find((each) => existsSync(each));
      if (path) visit(path, module ? `${module}::${name}` : name);
    }
  };
  visit(rootFile, "");
  return found;
}

/** What a file uses, what it re-exports, and the paths in its code. */
function imports(code) {
  const uses = [];
  const exports = [];
  for (const [, , visibility, tree] of code.matchAll(USE)) {
    (visibility ? exports : uses).push(...useTree(tree));
  }
  const rest = code.replace(USE, "$1");
  const paths = [...rest.matchAll(PATH)].map(([, first, more]) => [first, ...more.split("::").map((s) => s.trim())]);
  return { uses, exports, paths: paths.map((path) => path.filter(Boolean)) };
}

/** The edges of a crate: for every file, the files it uses and one name of each, `Map<file, Map<file, name>>`. */
export function rustEdges(rootFile, root) {
  const files = crateFiles(rootFile);
  const edges = new Map();
  for (const from of files.values()) {
    const targets = new Map();
    for (const path of named(from)) {
      const to = define(files, from.module, path, new Set());
      if (to && to !== from) targets.set(relative(root, to.file), path.join("::"));
    }
    edges.set(relative(root, from.file), targets);
  }
  return edges;
}

/** All paths that a file names, with local names replaced by what they were imported as. */
function named({ uses, exports, paths, children }) {
  const local = new Map([...uses, ...exports].map(({ name, path }) => [name, path]));
  const full = paths.map(([first, ...rest]) => (local.has(first) ? [...local.get(first), ...rest] : [first, ...rest]));
  const through = new Set(full.map((path) => path.join("::")));
  // A module that was imported to name things in it: those names are the edges.
  const items = uses
    .map(({ path }) => path)
    .filter((path) => ![...through].some((each) => each.startsWith(`${path.join("::")}::`)));
  return [...items, ...full].filter(([first]) => ["crate", "super", "self", ...children].includes(first));
}

/** The file that defines what `path` names when it is written in `module`; null for what is outside of the crate. */
function define(files, module, path, seen) {
  let at = module ? module.split("::") : [];
  let rest = [...path];
  if (rest[0] === "crate") [at, rest] = [[], rest.slice(1)];
  if (rest[0] === "self") rest = rest.slice(1);
  while (rest[0] === "super") {
    at = at.slice(0, -1);
    rest = rest.slice(1);
  }
  const inside = () => files.get(at.join("::"));
  while (rest.length && inside()?.children.includes(rest[0])) {
    at = [...at, rest[0]];
    rest = rest.slice(1);
  }
  const file = inside();
  if (!file) return null;
  if (!rest.length || rest[0] === "*") return file;
  const key = `${file.module}>${rest[0]}`;
  if (seen.has(key)) return file;
  seen.add(key);
  return exported(files, file, rest, seen) ?? file;
}

/** Follows a re-export of the first name in `rest`, by name or by `*`. */
function exported(files, file, rest, seen) {
  const all = [...file.exports, ...file.uses];
  const byName = all.find(({ name }) => name === rest[0] && name !== "*");
  if (byName) return define(files, file.module, [...byName.path, ...rest.slice(1)], seen);
  for (const { path } of all.filter(({ name }) => name === "*")) {
    const source = define(files, file.module, path.slice(0, -1), seen);
    if (source && defines(source, rest[0])) return source;
  }
  return null;
}

const defines = ({ code }, name) =>
  new RegExp(`\\b(?:fn|struct|enum|trait|type|const|static|macro_rules!)\\s+${name}\\b`).test(code);
