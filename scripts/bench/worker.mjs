// The worker of the browser bench: measures ours and jax-js, one after the other.
// Every message gets one answer.

import { counted } from "./counters.mjs";
import { open as openJax } from "./jax.mjs";

/** Ours, by module. */
const sessions = {};
let peer;

const commands = {
  /** Loads modules of ours and jax-js onto one device; without `sizes` only ours. */
  async open({ device, modules, sizes }) {
    for (const name of modules) {
      const module = await import(`/wasm/${name}/trm_wasm.js`);
      await module.default();
      sessions[name] = await module.Session.open();
    }
    const name = sessions[modules[0]]?.device().name ?? device;
    if (!sizes) return { name };
    peer = await openJax(device === "webgpu" ? "webgpu" : "wasm", sizes);
    // Compiles the kernels.
    const began = performance.now();
    await peer.step();
    await peer.settle();
    return { name, peerFirstStep: performance.now() - began };
  },

  /** Mean time of `steps` of ours. The session runs warm-up steps that it does not time. */
  async ours({ module, config, steps }) {
    return counted(async () => {
      const event = await sessions[module].handle({ type: "benchmark", config, steps });
      if (event.type !== "benchmarked") throw new Error(event.failure?.message ?? `answered ${event.type}`);
      return event.ms_per_step;
    });
  },

  async peer({ steps }) {
    return counted(async () => {
      const began = performance.now();
      for (let i = 0; i < steps; i++) await peer.step();
      await peer.settle();
      return (performance.now() - began) / steps;
    });
  },
};

self.onmessage = async ({ data: { name, options } }) => {
  try {
    self.postMessage({ ok: await commands[name](options) });
  } catch (error) {
    self.postMessage({ error: String(error.stack ?? error) });
  }
};
