// The pages: each has its folder, and none imports another. `scripts/lib/structure.mjs`
// checks circular imports and the length of files.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

import { describe, expect, test } from 'vitest';

import { ROOMS as FOR_SCRIPTS } from '../../scripts/lib/rooms.mjs';
import { PAGES, ROOMS } from '../src/rooms/table';

const SRC = resolve(import.meta.dirname, '../src');

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

// The start page alone shows a part of several rooms.
test('rooms know nothing of each other, and what they share knows none of them', () => {
  const wrong = [...text].flatMap(([file, source]) =>
    importsOf(file, source)
      .map((to) => [relative(SRC, file), relative(SRC, to)] as const)
      .filter(([from, to]) => {
        const room = (path: string) => /^rooms\/([^/]+)\//.exec(path)?.[1];
        if (from.startsWith('landing/')) return false;
        return room(to) !== undefined && room(to) !== room(from);
      })
      .map((pair) => pair.join(' → ')),
  );
  expect(wrong).toEqual([]);
});

describe('the table of pages', () => {
  test('names a folder for each', () => {
    for (const { family } of ROOMS) {
      expect(existsSync(join(SRC, 'rooms', family, 'main.ts')), family).toBe(true);
    }
    expect(new Set(ROOMS.map(({ path }) => path)).size).toBe(ROOMS.length);
  });

  test('names the code of each page', () => {
    for (const { main } of PAGES) expect(existsSync(join(SRC, main)), main).toBe(true);
    expect(new Set(PAGES.map(({ path }) => path)).size).toBe(PAGES.length);
  });

  test('is what scripts read', () => {
    expect(FOR_SCRIPTS).toEqual(ROOMS);
  });
});
