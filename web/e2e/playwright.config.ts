// The stories run against the built site in web/dist, served under a sub-path,
// in a real headless Chromium: once on the CPU, and the stories about the GPU on
// WebGPU's software adapter.

import { join } from 'node:path';

import { defineConfig } from '@playwright/test';

import { FLAGS, WEBGPU } from '../../scripts/lib/browser.mjs';
import { keep } from '../../scripts/lib/paths.mjs';

const executablePath = process.env.CHROME;
const launch = (args: string[]) => ({
  launchOptions: { executablePath, args: [...FLAGS, ...args] },
});

export default defineConfig({
  testDir: '.',
  outputDir: join(keep, 'e2e'),
  forbidOnly: Boolean(process.env.CI),
  // Training takes the core it runs on; a second worker would starve it.
  workers: 1,
  timeout: 120_000,
  expect: { timeout: 30_000 },
  reporter: [['list']],
  use: { headless: true, trace: 'retain-on-failure' },
  projects: [
    { name: 'cpu', testIgnore: 'gpu.*.spec.ts', use: launch([]) },
    { name: 'webgpu', testMatch: 'gpu.*.spec.ts', timeout: 300_000, use: launch(WEBGPU) },
  ],
});
