// What older browsers, and visitors who want no motion, make of the styles.

import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { expect, test } from 'vitest';

const SRC = resolve(import.meta.dirname, '../src');

const styles = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((name) => /\.(css|svelte)$/.test(name))
  .map((name) => {
    const text = readFileSync(join(SRC, name), 'utf8').replaceAll(/\/\*.*?\*\//gs, '');
    const style = name.endsWith('.css') ? text : (/<style>(.*)<\/style>/s.exec(text)?.[1] ?? '');
    return [name, style] as const;
  });

test('a selector with :has() is not in a list: some browsers would drop all of it', () => {
  const lists = styles.flatMap(([name, style]) =>
    [...style.matchAll(/[^{};]+(?=\{)/g)]
      .map(([selector]) => selector.trim())
      // A comma within brackets separates no selectors.
      .filter((selector) => selector.includes(':has('))
      .filter((selector) => selector.replaceAll(/\([^()]*\)/g, '').includes(','))
      .map((selector) => `${name}: ${selector}`),
  );
  expect(lists).toEqual([]);
});

test('without motion, what is overdue still appears after its delay', () => {
  const app = styles.find(([name]) => name.endsWith('app.css'))?.[1] ?? '';
  const still = app.slice(app.indexOf('prefers-reduced-motion'));
  expect(still).toMatch(/:not\(\.overdue\) \{[^}]*animation: none !important/);
  expect(app).toMatch(/\.overdue \{\s*animation: overdue 0s 6s both/);
});
