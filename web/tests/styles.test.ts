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

test('in a contrast theme every colour that is drawn is one of the theme', () => {
  const read = (name: string) => styles.find(([each]) => each.endsWith(name))?.[1] ?? '';
  const named = read('contrast.css').slice(0, read('contrast.css').indexOf('}'));
  const theme = /^(Canvas|CanvasText|GrayText|Highlight|HighlightText|LinkText)$/;
  const values = [...named.matchAll(/(--[\w-]+): (\w+);/g)];
  expect(values.filter(([, , value = '']) => !theme.test(value))).toEqual([]);
  // The others are drawn as they are, for they tell apart what the theme has no colours for.
  const own = /^--(arc-.*|past-\d|depth-4|good-paper|mono)$/;
  const all = [...read('app.css').matchAll(/(--[\w-]+):/g)].map(([, name = '']) => name);
  const known = new Set(values.map(([, name]) => name));
  expect(all.filter((name) => !known.has(name) && !own.test(name))).toEqual([]);
});

test('without motion, what is overdue still appears after its delay', () => {
  const app = styles.find(([name]) => name.endsWith('app.css'))?.[1] ?? '';
  const still = app.slice(app.indexOf('prefers-reduced-motion'));
  expect(still).toMatch(/:not\(\.overdue\) \{[^}]*animation: none !important/);
  expect(app).toMatch(/\.overdue \{\s*animation: overdue 0s 6s both/);
});
