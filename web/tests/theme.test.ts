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

/** A page that was drawn in the dark; `system` changes what the system asks for. */
async function opened(stored: Map<string, string> | null) {
  const dataset: { theme?: string } = { theme: 'dark' };
  const asked = { matches: true };
  let told: () => void = () => undefined;
  const addEventListener = (_: string, listener: () => void) => (told = listener);
  vi.stubGlobal('document', { documentElement: { dataset } });
  vi.stubGlobal('localStorage', storage(stored));
  vi.stubGlobal('matchMedia', () => Object.assign(asked, { addEventListener }));
  vi.resetModules();
  const { theme } = await import('../src/ui/theme.svelte');
  const system = (dark: boolean) => {
    asked.matches = dark;
    told();
  };
  return { theme, dataset, system };
}

test('the page follows the system until the visitor chooses', async () => {
  for (const stored of [new Map<string, string>(), null]) {
    const { theme, dataset, system } = await opened(stored);
    system(false);
    expect([theme.dark, dataset.theme]).toEqual([false, 'light']);
    system(true);
    expect([theme.dark, dataset.theme]).toEqual([true, 'dark']);
    theme.toggle();
    system(false);
    system(true);
    expect([theme.dark, dataset.theme]).toEqual([false, 'light']);
  }
  // The choice of an earlier visit.
  const { dataset, system } = await opened(new Map([['theme', 'dark']]));
  system(false);
  expect(dataset.theme).toBe('dark');
});

test('what the button chooses is what the script finds', async () => {
  const stored = new Map<string, string>();
  const { theme, dataset } = await opened(stored);
  expect(theme.dark).toBe(true);
  theme.toggle();
  expect([theme.dark, dataset.theme, first(stored, true)]).toEqual([false, 'light', 'light']);
  // It changes also where nothing is stored.
  vi.stubGlobal('localStorage', storage(null));
  theme.toggle();
  expect([dataset.theme, first(stored, true)]).toEqual(['dark', 'light']);
});
