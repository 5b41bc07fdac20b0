// Whatever stands in an address: every page reads it, says what it cannot use, and writes
// an address that it reads the same way.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { PRESETS, SETTINGS } from '../src/gen';
import { readImages } from '../src/rooms/images/url';
import { read } from '../src/rooms/language/url';
import { readPuzzle } from '../src/rooms/puzzles/url';
import { RUN_KEYS } from '../src/run/url';
import { WISH_KEYS } from '../src/run/wish';

const KEYS = [
  ...[...RUN_KEYS, ...WISH_KEYS],
  ...['prompt', 'temperature', 'top_k', 'depth', 'depths', 'seed', 'compare', 'a', 'b', 'ref'],
  ...['kind', 'puzzle', 'task', 'test', 'steps', 'threshold', 'handed', 'image', 'inner', 'outer'],
  '__proto__',
  'constructor',
];

const values = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom(...PRESETS.map((preset) => preset.name), 'auto', 'cpu', 'gpu', 'sudoku-9x9'),
  fc.constantFrom('', '0', '-1', '1e999', 'NaN', 'true', '1,2,3', '9'.repeat(400), '%', '[]'),
  fc.double().map(String),
  fc.constantFrom(...SETTINGS.map((setting) => setting.key)),
);

/** Queries with names that are known, with others, and what is no query at all. */
const queries = fc.oneof(
  fc
    .array(fc.tuple(fc.oneof(fc.constantFrom(...KEYS), fc.string()), values), { maxLength: 8 })
    .map((pairs) => `?${new URLSearchParams(pairs).toString()}`),
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.string().map((text) => `?${text}`),
);

describe.each([
  ['language models', read],
  ['puzzles', readPuzzle],
  ['images', readImages],
] as const)('the page of %s', (_, reader) => {
  test('reads any address', () => {
    fc.assert(
      fc.property(queries, (query) => {
        const page = reader(query);
        expect(page.config.train.batch_size).toBeGreaterThan(0);
        expect(page.problems.every((problem) => problem.length > 0)).toBe(true);
        expect(reader(query)).toEqual(page);
      }),
      { numRuns: 2000 },
    );
    expect(Object.keys(Object.prototype)).toEqual([]);
  });
});
