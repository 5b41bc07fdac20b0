import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { follow, tabs } from '../src/ui/tabs.svelte';

/** The elements that an address names, and the panel that each lies in. */
const PANELS: Readonly<Record<string, string>> = {
  explore: 'explore',
  train: 'train',
  library: 'library',
  keep: 'library',
};
const scrolled = vi.fn<(id: string) => void>();

beforeEach(() => {
  scrolled.mockReset();
  vi.stubGlobal('requestAnimationFrame', (draw: () => void) => draw());
  vi.stubGlobal('document', {
    getElementById: (id: string) =>
      PANELS[id] && {
        id,
        closest: () => ({ id: PANELS[id] }),
        scrollIntoView: () => scrolled(id),
      },
  });
});

afterEach(() => {
  vi.unstubAllGlobals();
});

test('an address without a part after # opens the first tab, as Back after a link does', () => {
  follow('#train');
  expect(tabs.open).toBe('train');
  follow('');
  expect(tabs.open).toBe('explore');
  follow('#library');
  follow('#');
  expect(tabs.open).toBe('explore');
});

test('an address opens the tab of what it names, and changes nothing where it names nothing', () => {
  follow('#keep');
  expect(tabs.open).toBe('library');
  expect(scrolled.mock.calls).toEqual([['keep']]);
  follow('#nowhere');
  expect(tabs.open).toBe('library');
});
