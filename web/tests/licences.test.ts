import { expect, test } from 'vitest';

import { dependencies, isAllowed } from '../../scripts/lib/licences.mjs';

test.each([
  ['MIT', true],
  ['MIT OR GPL-3.0', true],
  ['MIT/Apache-2.0', true],
  ['(MIT OR GPL-2.0) AND NCSA', true],
  ['Apache-2.0 WITH LLVM-exception OR GPL-2.0', true],
  ['GPL-3.0', false],
  ['MIT AND GPL-3.0', false],
  ['(GPL-2.0 OR AGPL-3.0) AND MIT', false],
  ['GPL-2.0 WITH Classpath-exception-2.0', false],
  ['SEE LICENSE IN LICENSE.txt', false],
  ['none', false],
])('%s is allowed: %s', (licence, allowed) => {
  expect(isAllowed(licence)).toBe(allowed);
});

test('the packages of the page and of the scripts are listed with theirs', () => {
  const all = dependencies();
  for (const [from, name] of [
    ['package-lock.json', 'sirv 3'],
    ['web/package-lock.json', 'svelte 5'],
  ]) {
    const found = all.find((one) => one.from === from && one.name.startsWith(`${name}`));
    expect(found?.licence).toBe('MIT');
  }
});
