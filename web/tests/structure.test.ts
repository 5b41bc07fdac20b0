// How the page's modules hang together: no circular imports, no file that is too long,
// and every page of the table has its folder.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

import { describe, expect, test } from 'vitest';

import { ROOMS as FOR_SCRIPTS } from '../../scripts/lib/rooms.mjs';
import { ROOMS } from '../src/rooms/table';

const SRC = resolve(import.meta.dirname, '../src');
const MOST_LINES = 400;

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((name) => /\.(ts|svelte)$/.test(name))
  .map((name) => join(SRC, name));
const text = new Map(files.map((file) => [file, readFileSync(file, 'utf8')]));

/** The modules that `file` imports, types included. */
function importsOf(file: string, source: string): string[] {
  const found = source.matchAll(/(?:from|import)\s*\(?\s*'(\.{1,2}\/[^']+)'/g);
  return [...found].flatMap(([, path]) => {
    const at = resolve(dirname(file), path ?? '');
    return [at, `${at}.ts`, join(at, 'index.ts')].filter((each) => text.has(each)).slice(0, 1);
  });
}

/** Every circle of imports, as a path that ends where it began. */
function circles(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]) => {
    const at = path.indexOf(file);
    if (at >= 0) {
      found.push([...path.slice(at), file].map((each) => relative(SRC, each)).join(' → '));
      return;
    }
    if (done.has(file)) return;
    for (const next of graph.get(file) ?? []) visit(next, [...path, file]);
    done.add(file);
  };
  for (const file of graph.keys()) visit(file, []);
  return found;
}

test('no module imports itself through others', () => {
  const graph = new Map([...text].map(([file, source]) => [file, importsOf(file, source)]));
  expect([...graph.values()].flat().length).toBeGreaterThan(300);
  expect(circles(graph)).toEqual([]);
});

test('a circle is found', () => {
  const at = (name: string) => join(SRC, name);
  const graph = new Map([
    [at('a.ts'), [at('b.ts')]],
    [at('b.ts'), [at('c.ts')]],
    [at('c.ts'), [at('b.ts')]],
  ]);
  expect(circles(graph)).toEqual(['b.ts → c.ts → b.ts']);
});

test('no file is long', () => {
  const long = [...text].filter(
    ([file, source]) =>
      !file.startsWith(join(SRC, 'gen')) && source.trimEnd().split('\n').length > MOST_LINES,
  );
  expect(long.map(([file]) => relative(SRC, file))).toEqual([]);
});

describe('the table of pages', () => {
  test('names a folder for each', () => {
    for (const { family } of ROOMS) {
      expect(existsSync(join(SRC, 'rooms', family, 'main.ts')), family).toBe(true);
    }
    expect(new Set(ROOMS.map(({ path }) => path)).size).toBe(ROOMS.length);
  });

  test('is what scripts read', () => {
    expect(FOR_SCRIPTS).toEqual(ROOMS);
  });
});
