// The native side of the stories: the same binary that a person runs.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { native, root } from '../../../scripts/lib/paths.mjs';

/** Runs `trm-native` on the CPU's arithmetic and returns what it prints. */
export function trm(...args: string[]): string {
  return execFileSync(native, args, {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 1 << 28,
  });
}

/** As `trm`, with `--json`. */
export function trmJson<T>(...args: string[]): T {
  return JSON.parse(trm(...args, '--json')) as T;
}

/** Calls `work` with a folder that is gone afterwards. */
export async function withFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'trm-'));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
