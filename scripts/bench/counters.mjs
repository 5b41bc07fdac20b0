// Counts a program's WebGPU calls by wrapping them. Imported before
// anything that takes a device.

const counts = { dispatches: 0, submits: 0, writes: 0, writtenBytes: 0, reads: 0, kernels: 0 };

function wrap(owner, method, count) {
  const original = owner?.prototype?.[method];
  if (!original) return;
  owner.prototype[method] = function (...args) {
    count(...args);
    return original.apply(this, args);
  };
}

wrap(globalThis.GPUComputePassEncoder, "dispatchWorkgroups", () => (counts.dispatches += 1));
wrap(globalThis.GPUComputePassEncoder, "dispatchWorkgroupsIndirect", () => (counts.dispatches += 1));
wrap(globalThis.GPUQueue, "submit", () => (counts.submits += 1));
wrap(globalThis.GPUBuffer, "mapAsync", () => (counts.reads += 1));
wrap(globalThis.GPUDevice, "createComputePipeline", () => (counts.kernels += 1));
wrap(globalThis.GPUDevice, "createComputePipelineAsync", () => (counts.kernels += 1));
wrap(globalThis.GPUQueue, "writeBuffer", (_buffer, _at, data, offset = 0, size = undefined) => {
  // Offsets and sizes are in elements for typed arrays, in bytes otherwise.
  const unit = ArrayBuffer.isView(data) ? (data.BYTES_PER_ELEMENT ?? 1) : 1;
  counts.writes += 1;
  counts.writtenBytes += size === undefined ? data.byteLength - offset * unit : size * unit;
});

/** Runs `work`; resolves to its result and its WebGPU calls. */
export async function counted(work) {
  const before = { ...counts };
  const value = await work();
  const spent = Object.fromEntries(Object.keys(counts).map((key) => [key, counts[key] - before[key]]));
  return { value, counts: spent };
}
