// Loads one of the two wasm modules by its address. They are separate builds that
// the bundler does not see; the GPU one is fetched only when it will be used.

import type { Command, DeviceInfo, Event } from '../gen';

/** The session of trm-wasm, as the worker uses it. */
export interface Session {
  device(): DeviceInfo;
  handle(command: Command): Promise<Event>;
}

interface WasmModule {
  default(): Promise<unknown>;
  Session: { open(): Promise<Session> };
}

function isWasmModule(value: unknown): value is WasmModule {
  return (
    typeof value === 'object' &&
    value !== null &&
    'default' in value &&
    typeof value.default === 'function' &&
    'Session' in value
  );
}

export async function loadSession(backend: 'cpu' | 'gpu', base: string): Promise<Session> {
  const url = new URL(`wasm/${backend}/trm_wasm.js`, base).href;
  const module: unknown = await import(/* @vite-ignore */ url);
  if (!isWasmModule(module)) throw new Error(`${url} is not the trainer's module.`);
  await module.default();
  return module.Session.open();
}
