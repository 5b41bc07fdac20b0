// What every story starts from: the built site on a server of its own, under a
// sub-path, and a page that reports whatever goes wrong on it.

import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { test as base } from '@playwright/test';

import { serve } from '../../../scripts/serve.mjs';
import { Models } from './models';
import { Playground } from './playground';
import { lookThroughTabs } from './tabs';
import type { Site } from './site';

const PATH = '/some/sub/path/';
const here = dirname(fileURLToPath(import.meta.url));

export const test = base.extend<
  { quiet: void; play: Playground; models: Models },
  { site: Site }
>({
  play: async ({ page, site }, use) => use(new Playground(page, site)),

  page: async ({ page }, use) => {
    lookThroughTabs(page);
    await use(page);
  },

  site: [
    async ({}, use) => {
      const server = await serve({ base: PATH, mounts: { '/session/': join(here, 'session') } });
      const { url } = server;
      await use({ origin: new URL(url).origin, path: PATH, url, text: `${url}language.html` });
      await server.close();
    },
    { scope: 'worker' },
  ],

  // What really comes with the page changes; every story says what does in it,
  // and without a word of it nothing does.
  models: [
    async ({ context }, use) => {
      const models = new Models(context);
      await models.none();
      // Nor does the base that scripts/bases.mjs may have put there.
      await context.route('**/bases/manifest.json', (route) =>
        route.fulfill({ json: { format: 'trm-bases/1', bases: [] } }),
      );
      await use(models);
    },
    { auto: true },
  ],

  // Every story also tells that nothing was fetched from elsewhere and that no
  // error went unhandled.
  quiet: [
    async ({ context, site }, use) => {
      const foreign: string[] = [];
      const errors: string[] = [];
      context.on('request', (request) => {
        const url = request.url();
        if (/^https?:/.test(url) && !url.startsWith(site.origin)) foreign.push(url);
      });
      context.on('weberror', (error) => errors.push(String(error.error())));
      await use();
      base.expect(foreign, 'requests to other sites').toEqual([]);
      base.expect(errors, 'errors that nobody handled').toEqual([]);
    },
    { auto: true },
  ],
});

export { expect } from '@playwright/test';
export type { Site } from './site';
