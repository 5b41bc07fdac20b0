// Light or dark: a script chooses before the page is drawn, and the page's button changes it.

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { runInNewContext } from 'node:vm';

import { afterEach, expect, test, vi } from 'vitest';

const SCRIPT = readFileSync(resolve(import.meta.dirname, '../public/assets/theme.js'), 'utf8');

/** What the browser stores; `null` where that is forbidden. */
function storage(stored: Map<string, string> | null) {
  const of = () => {
    if (!stored) throw new DOMException('no', 'SecurityError');
    return stored;
  };
  return {
    getItem: (key: string) => of().get(key) ?? null,
    setItem: (key: string, value: string) => of().set(key, value),
  };
}

/** The theme that the script sets. */
function first(stored: Map<string, string> | null, dark: boolean): string | undefined {
  const dataset: { theme?: string } = {};
  const document = { documentElement: { dataset } };
  const matchMedia = () => ({ matches: dark });
  runInNewContext(SCRIPT, { document, matchMedia, localStorage: storage(stored) });
  return dataset.theme;
}

afterEach(() => vi.unstubAllGlobals());

test('the page is drawn as the visitor chose, or like the system', () => {
  expect(first(new Map(), true)).toBe('dark');
  expect(first(new Map(), false)).toBe('light');
  expect(first(null, true)).toBe('dark');
});

test('what the button chooses is what the script finds', async () => {
  const stored = new Map<string, string>();
  const dataset: { theme?: string } = { theme: 'dark' };
  vi.stubGlobal('document', { documentElement: { dataset } });
  vi.stubGlobal('localStorage', storage(stored));
  const { theme } = await import('../src/ui/theme.svelte');
  expect(theme.dark).toBe(true);
  theme.toggle();
  expect([theme.dark, dataset.theme, first(stored, true)]).toEqual([false, 'light', 'light']);
  // It changes also where nothing is stored.
  vi.stubGlobal('localStorage', storage(null));
  theme.toggle();
  expect([dataset.theme, first(stored, true)]).toEqual(['dark', 'light']);
});
