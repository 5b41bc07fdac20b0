// How many workers train a run together on the CPU, and what each of them computes.

import type { RunConfig } from '../gen';

/** Workers at most. */
export const MOST_CORES = 8;

/** How the rows of an update are shared. */
export interface Sharing {
  /** Workers, the first one included. */
  readonly size: number;
  /** Parts into which every batch is cut; 1 where there are enough batches in an update. */
  readonly parts: number;
}

export const ALONE: Sharing = { size: 1, parts: 1 };

/** How at most `cores` workers share the rows of an update equally. */
export function sharing({ train }: RunConfig, cores: number): Sharing {
  const { batch_size: rows, gradient_accumulation_steps: batches } = train;
  for (let size = Math.floor(cores); size > 1; size--) {
    const parts = size / divisor(size, batches);
    if (rows % parts === 0) return { size, parts };
  }
  return ALONE;
}

/** The greatest common divisor. */
function divisor(a: number, b: number): number {
  return b === 0 ? a : divisor(b, a % b);
}

/** What the browser tells of the machine. */
export interface MachineFacts {
  /** Logical cores. */
  readonly cores: number;
  /** GiB of memory, at most 8; `undefined` where the browser does not tell. */
  readonly memory: number | undefined;
  /** Whether it runs on battery. */
  readonly battery: boolean;
}

/** Workers that suit a machine: one core is left to the page. */
export function suitable({ cores, memory, battery }: MachineFacts): number {
  if (battery || (memory !== undefined && memory <= 2)) return 1;
  return Math.max(1, Math.min(MOST_CORES, cores - 1));
}

/** Asks the browser. */
export async function machineFacts(): Promise<MachineFacts> {
  // A page in a frame may be forbidden to ask.
  const battery = await (async () => navigator.getBattery?.())().catch(() => null);
  return {
    cores: navigator.hardwareConcurrency,
    memory: navigator.deviceMemory,
    battery: battery?.charging === false,
  };
}

declare global {
  /** What only some browsers have. */
  interface Navigator {
    readonly deviceMemory?: number;
    getBattery?(): Promise<{ readonly charging: boolean }>;
  }
}
