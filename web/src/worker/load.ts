// Loads one of the wasm modules by its address. They are separate builds that the
// bundler does not see. A GPU module is fetched only when it will be used; for the
// CPU each page has a module of its own, and a faster one for browsers with relaxed SIMD.

import type { Command, DeviceInfo, Event } from '../gen';
import type { Modules } from '../rooms/table';
import type { Exchange } from './exchange';
import { EngineFailure } from './failure';

/** Sizes of the modules, by folder, as the page was built. */
declare const WASM_BYTES: Readonly<Record<string, number>>;

/** The session of trm-wasm, as the worker uses it. */
export interface Session {
  device(): DeviceInfo;
  /** Takes what connects it with the other sessions of a group. */
  connect(exchange: Exchange): void;
  handle(command: Command): Promise<Event>;
}

/**
 * A function with one `f32x4.relaxed_madd`: valid where WebAssembly has relaxed SIMD, whose
 * multiply-add is fused where the processor has such an instruction.
 */
// prettier-ignore
const RELAXED_SIMD = new Uint8Array([
  0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, // magic, version
  1, 5, 1, 0x60, 0, 1, 0x7b, // types: () -> v128
  3, 2, 1, 0, // functions: one of type 0
  10, 19, 1, 17, 0, // code: one body without locals
  0x41, 0, 0xfd, 15, 0x41, 0, 0xfd, 15, 0x41, 0, 0xfd, 15, // three times i8x16.splat(0)
  0xfd, 0x85, 2, 11, // f32x4.relaxed_madd, end
]);

/** Called as the module comes: bytes received, and in all. */
export type Progress = (received: number, total: number) => void;

interface WasmModule {
  default(options: { module_or_path: Promise<Response> }): Promise<unknown>;
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

export async function loadSession(
  backend: 'cpu' | 'gpu',
  modules: Modules,
  base: string,
  progress: Progress,
): Promise<Session> {
  if (!('WebAssembly' in self)) throw tooOld('it has no WebAssembly');
  const relaxed = WebAssembly.validate(RELAXED_SIMD) ? '-relaxed' : '';
  const folder = backend === 'cpu' ? `${modules.cpu}${relaxed}` : modules.gpu;
  const url = new URL(`wasm/${folder}/trm_wasm.js`, base).href;
  const module: unknown = await import(/* @vite-ignore */ url).catch(() => {
    throw unreachable();
  });
  if (!isWasmModule(module)) throw new Error(`${url} is not the module of the engine.`);
  const file = new URL(`wasm/${folder}/trm_wasm_bg.wasm`, base);
  const coming = watched(file, WASM_BYTES[folder] ?? 0, progress);
  await module.default({ module_or_path: coming }).catch((error: unknown) => {
    if (error instanceof WebAssembly.CompileError) throw tooOld(error.message);
    throw error instanceof RangeError ? noMemory() : unreachable();
  });
  return module.Session.open();
}

/** A file whose bytes are counted as they come; it is compiled meanwhile. */
async function watched(file: URL, total: number, progress: Progress): Promise<Response> {
  const response = await fetch(file);
  if (!response.ok || !response.body) throw unreachable();
  let received = 0;
  const count = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      received += chunk.length;
      progress(received, total);
      controller.enqueue(chunk);
    },
  });
  const headers = { 'content-type': 'application/wasm' };
  return new Response(response.body.pipeThrough(count), { headers });
}

function unreachable(): EngineFailure {
  return failure(
    'The engine (a WebAssembly module) could not be fetched.',
    'Check the connection and reload the page.',
  );
}

function noMemory(): EngineFailure {
  return failure(
    'The browser has no memory for the engine.',
    'Close other tabs and reload the page.',
  );
}

function tooOld(why: string): EngineFailure {
  return failure(
    `This browser cannot run the engine (${why}).`,
    'It needs WebAssembly with SIMD: Chrome 111, Firefox 115, Safari 16.4 or newer.',
  );
}

function failure(message: string, hint: string): EngineFailure {
  return new EngineFailure({ kind: 'device', message, hint });
}
