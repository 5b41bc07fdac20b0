import { svelte } from '@sveltejs/vite-plugin-svelte';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';

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

export default defineConfig({
  // Relative addresses, so that the site works under any sub-path.
  base: './',
  plugins: [svelte(), contentPolicy],
  worker: { format: 'es' },
  build: {
    target: 'es2023',
    modulePreload: { polyfill: false },
    // A page for each room.
    rolldownOptions: { input: ['index.html', 'puzzles.html'] },
  },
  // Property tests take their time on a busy machine.
  test: { include: ['tests/**/*.test.ts'], testTimeout: 30_000 },
});
