// What a page asks of its browser when it is made.

import { vi } from 'vitest';

/** A browser with one core, without motion, on a site without models. Undo it after the test. */
export function stubBrowser(): void {
  vi.stubGlobal('matchMedia', () => ({ matches: true }));
  vi.stubGlobal('navigator', { hardwareConcurrency: 1 });
  vi.stubGlobal('document', { baseURI: 'http://localhost/' });
  vi.stubGlobal('location', { search: '', hash: '', pathname: '/' });
  vi.stubGlobal('history', { replaceState: () => undefined });
  vi.stubGlobal('fetch', () => Promise.resolve(new Response(null, { status: 404 })));
  vi.spyOn(console, 'info').mockImplementation(() => undefined);
}
