// Chooses the device: a real WebGPU adapter if there is one, the CPU if not, and
// says why in a sentence for the page.

import type { DeviceWish } from './protocol';

export interface Choice {
  readonly backend: 'cpu' | 'gpu';
  readonly reason: string;
}

/** What of an adapter the choice depends on. */
export interface AdapterInfo {
  readonly architecture: string;
  readonly description: string;
  readonly fallback: boolean;
}

const SOFTWARE = /swiftshader|llvmpipe|lavapipe|basic render/i;

function isSoftware(adapter: AdapterInfo): boolean {
  return adapter.fallback || SOFTWARE.test(`${adapter.architecture} ${adapter.description}`);
}

/** The decision itself. `adapter` is `null` without one, `undefined` without WebGPU. */
export function decide(
  wish: DeviceWish,
  software: boolean,
  adapter: AdapterInfo | null | undefined,
): Choice {
  if (wish === 'cpu') return { backend: 'cpu', reason: 'device=cpu is set in the address.' };
  const missing =
    adapter === undefined
      ? 'this browser has no WebGPU'
      : adapter === null
        ? 'WebGPU found no graphics adapter'
        : isSoftware(adapter) && !(software && wish === 'gpu')
          ? 'WebGPU has only a software adapter here, which is slower than the CPU'
          : null;
  if (missing === null) {
    return {
      backend: 'gpu',
      reason: software
        ? 'a WebGPU adapter is available, and software adapters are allowed.'
        : 'a WebGPU adapter is available.',
    };
  }
  if (wish === 'gpu')
    return { backend: 'cpu', reason: `device=gpu is set in the address, but ${missing}.` };
  return { backend: 'cpu', reason: `${missing}.` };
}

/** Asks the browser for its adapter. */
export async function findAdapter(): Promise<AdapterInfo | null | undefined> {
  if (!('gpu' in navigator)) return undefined;
  try {
    const adapter = await navigator.gpu.requestAdapter({ powerPreference: 'high-performance' });
    if (!adapter) return null;
    const { architecture, description, isFallbackAdapter } = adapter.info;
    return { architecture, description, fallback: isFallbackAdapter };
  } catch {
    return null;
  }
}
