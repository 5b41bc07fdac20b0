// The stories run against the built site in web/dist, served under a sub-path,
// in a real headless Chromium: on the CPU, and the files gpu.* on WebGPU's software
// adapter.

import { join } from 'node:path';

import { defineConfig } from '@playwright/test';

import { FLAGS, WEBGPU } from '../../scripts/lib/browser.mjs';
import { cache } from '../../scripts/lib/paths.mjs';

const executablePath = process.env.CHROME;
const launch = (args: string[]) => ({
  launchOptions: { executablePath, args: [...FLAGS, ...args] },
});

export default defineConfig({
  testDir: '.',
  outputDir: join(cache, 'e2e'),
  forbidOnly: Boolean(process.env.CI),
  // Under CI a story that fails is repeated once; the list then calls it flaky.
  retries: process.env.CI ? 1 : 0,
  // Two files at a time: a story that trains takes one core. Limits of time are wide
  // enough for twice as many processes as cores; no story measures speed.
  workers: 2,
  timeout: 240_000,
  expect: { timeout: 60_000 },
  reporter: [['list']],
  // A trace takes a quarter of a story's processor time. Under CI, where nobody looks at
  // it, only a repetition has one.
  use: { headless: true, trace: process.env.CI ? 'on-first-retry' : 'retain-on-failure' },
  projects: [
    // First and one at a time: the software adapter uses every core that is free.
    {
      name: 'webgpu',
      testMatch: 'gpu.*.spec.ts',
      workers: 1,
      timeout: 600_000,
      use: launch(WEBGPU),
    },
    { name: 'cpu', testIgnore: 'gpu.*.spec.ts', use: launch([]) },
  ],
});
