import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, resolve } from 'node:path';

import { svelte } from '@sveltejs/vite-plugin-svelte';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';

import { PAGES, type SitePage } from './src/rooms/table.ts';

// Said in the page itself, because a static host may not let us set headers:
// nothing comes from anywhere else, and nothing goes there. (`base-uri` keeps
// relative addresses relative to where the page really lies.)
const POLICY = [
  "default-src 'self'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "object-src 'none'",
  "frame-src 'none'",
  "form-action 'none'",
  "base-uri 'self'",
].join('; ');

const contentPolicy: Plugin = {
  name: 'content-policy',
  apply: 'build',
  transformIndexHtml: () => [
    {
      tag: 'meta',
      attrs: { 'http-equiv': 'Content-Security-Policy', content: POLICY },
      injectTo: 'head-prepend',
    },
  ],
};

const root = import.meta.dirname;

/** Sizes of the WebAssembly modules, by folder, for the progress of their download. */
function wasmBytes(): Record<string, number> {
  const folder = resolve(root, 'public/wasm');
  if (!existsSync(folder)) return {};
  const size = (name: string) =>
    statSync(resolve(folder, name, 'trm_wasm_bg.wasm'), { throwIfNoEntry: false })?.size ?? 0;
  return Object.fromEntries(readdirSync(folder).map((name) => [name, size(name)]));
}

/** The README beside the page, as plain text, for its link. */
const readme: Plugin = {
  name: 'readme',
  apply: 'build',
  generateBundle() {
    const source = readFileSync(resolve(root, '../README.md'), 'utf8');
    this.emitFile({ type: 'asset', fileName: 'README.txt', source });
  },
};

const fileOf = ({ path }: SitePage): string => (path === './' ? 'index.html' : path);
const pageAt = (file: string): SitePage | undefined =>
  PAGES.find((page) => resolve(root, fileOf(page)) === resolve(root, file));
const template = (): string => readFileSync(resolve(root, 'index.html'), 'utf8');

/** All pages, from `index.html`. */
const sitePages: Plugin = {
  name: 'site-pages',
  resolveId: (id) => (pageAt(id) ? resolve(root, id) : null),
  load: (id) => (id.endsWith('.html') && pageAt(id) ? template() : null),
  transformIndexHtml: {
    order: 'pre',
    handler: (html, { filename }) => {
      const page = pageAt(filename);
      if (!page) throw new Error(`${basename(filename)} is no page of this site`);
      return html
        .replaceAll('%PAGE_MAIN%', page.main)
        .replaceAll('%PAGE_TITLE%', page.html.title)
        .replaceAll('%PAGE_DESCRIPTION%', page.html.description)
        .replaceAll('%PAGE_INTRO%', page.html.intro);
    },
  },
  configureServer: (server) => {
    server.middlewares.use((request, response, next) => {
      const { pathname } = new URL(request.url ?? '/', 'http://localhost');
      const page = PAGES.find(({ path }) => pathname === `/${path.replace('./', '')}`);
      if (!page) return next();
      server
        .transformIndexHtml(pathname, template())
        .then((html) => response.setHeader('content-type', 'text/html').end(html))
        .catch(next);
    });
  },
};

export default defineConfig({
  // Relative addresses, so that the site works under any sub-path.
  base: './',
  define: { WASM_BYTES: JSON.stringify(wasmBytes()) },
  plugins: [sitePages, svelte(), contentPolicy, readme],
  worker: { format: 'es' },
  build: {
    target: 'es2023',
    modulePreload: { polyfill: false },
    rolldownOptions: { input: PAGES.map((page) => resolve(root, fileOf(page))) },
  },
  // Property tests take their time on a busy machine.
  test: { include: ['tests/**/*.test.ts'], testTimeout: 30_000 },
});
