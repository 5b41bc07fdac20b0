import { describe, expect, test } from 'vitest';

import { bare, useTree } from '../../scripts/lib/rust-imports.mjs';
import { firstComment, knots, packagesOf } from '../../scripts/lib/structure.mjs';

describe('the structure check', () => {
  test('reads nested use trees, with the names that they bind', () => {
    expect(useTree('crate::a::{b, c::{self, D as E}, f::*}')).toEqual([
      { path: ['crate', 'a', 'b'], name: 'b' },
      { path: ['crate', 'a', 'c'], name: 'c' },
      { path: ['crate', 'a', 'c', 'D'], name: 'E' },
      { path: ['crate', 'a', 'f', '*'], name: '*' },
    ]);
  });

  test('leaves out comments, strings and test modules', () => {
    const source = `use crate::a; // crate::b
const S: &str = "crate::c";
#[cfg(test)]
mod tests {
    use crate::d;
    fn f() { g("}"); }
}
use crate::e;`;
    const code = bare(source);
    for (const kept of ['crate::a', 'crate::e']) expect(code).toContain(kept);
    for (const left of ['crate::b', 'crate::c', 'crate::d']) expect(code).not.toContain(left);
  });

  test('finds each circle once, as its shortest way', () => {
    const edges = new Map(
      Object.entries({ a: ['b'], b: ['c', 'a'], c: ['a'], d: ['a', 'e'], e: [] }).map(
        ([from, to]) => [from, new Map(to.map((file) => [file, file]))] as const,
      ),
    );
    expect(knots(edges)).toEqual([['a', 'b', 'a']]);
    expect(knots(new Map([['d', new Map([['e', 'e']])]]))).toEqual([]);
  });

  test('finds packages that a script imports before they are installed', () => {
    const source = `import { join } from "node:path";
import sirv from "sirv";
import {
  a,
} from "./lib/a.mjs";
export { b } from "other/part";
const { chromium } = await import("playwright-core");`;
    expect(packagesOf(source)).toEqual(['sirv', 'other/part']);
  });

  test('takes a reason from the first comment only, across its lines', () => {
    expect(
      firstComment('//! A table. It has more than\n//! 400 lines because of this.\nuse a;'),
    ).toMatch(/more than 400 lines because/);
    expect(firstComment('use a;\n// more than 400 lines because')).toBe('');
  });
});
