import { readFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';

import { svelte } from '@sveltejs/vite-plugin-svelte';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';

import { type Room, ROOMS } from './src/rooms/table.ts';

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
const fileOf = ({ path }: Room): string => (path === './' ? 'index.html' : path);
const roomAt = (file: string): Room | undefined =>
  ROOMS.find((room) => resolve(root, fileOf(room)) === resolve(root, file));
const template = (): string => readFileSync(resolve(root, 'index.html'), 'utf8');

/** A page for each room, all from `index.html`. */
const roomPages: Plugin = {
  name: 'room-pages',
  resolveId: (id) => (roomAt(id) ? resolve(root, id) : null),
  load: (id) => (id.endsWith('.html') && roomAt(id) ? template() : null),
  transformIndexHtml: {
    order: 'pre',
    handler: (html, { filename }) => {
      const room = roomAt(filename);
      if (!room) throw new Error(`${basename(filename)} is the page of no room`);
      return html
        .replaceAll('%ROOM_FAMILY%', room.family)
        .replaceAll('%ROOM_NAME%', room.html.title)
        .replaceAll('%ROOM_DESCRIPTION%', room.html.description)
        .replaceAll('%ROOM_INTRO%', room.html.intro);
    },
  },
  configureServer: (server) => {
    server.middlewares.use((request, response, next) => {
      const { pathname } = new URL(request.url ?? '/', 'http://localhost');
      const room = ROOMS.find(({ path }) => pathname === `/${path}`);
      if (!room) return next();
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
  plugins: [roomPages, svelte(), contentPolicy],
  worker: { format: 'es' },
  build: {
    target: 'es2023',
    modulePreload: { polyfill: false },
    rolldownOptions: { input: ROOMS.map((room) => resolve(root, fileOf(room))) },
  },
  // Property tests take their time on a busy machine.
  test: { include: ['tests/**/*.test.ts'], testTimeout: 30_000 },
});
