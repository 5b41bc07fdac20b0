// Runs in a page: groups of the site's workers, which make training steps in turns.

/** Milliseconds of a step, by group and round. Nothing from outside the function is used in it. */
export async function sharedTraining({ worker, base, wasm, config, data, groups, rounds, ms }) {
  /** A worker, as a function that sends a request and waits for its reply. */
  const spawn = () => {
    const made = new Worker(worker, { type: "module" });
    const waiting = new Map();
    let next = 1;
    made.addEventListener("message", ({ data }) => {
      const { resolve, reject } = waiting.get(data.id) ?? {};
      const failure = data.failure ?? data.event?.failure;
      if (failure) reject?.(new Error(failure.message));
      else resolve?.(data.event);
    });
    return (body, transfer = []) =>
      new Promise((resolve, reject) => {
        waiting.set(next, { resolve, reject });
        made.postMessage({ id: next, ...body }, transfer);
        next += 1;
      });
  };
  const order = (command) => ({ kind: "command", command });

  const begin = async ({ size, parts }) => {
    const all = Array.from({ length: size }, spawn);
    const ports = all.map(() => []);
    for (const [i, mine] of ports.entries()) {
      for (const theirs of ports.slice(i + 1)) {
        const { port1, port2 } = new MessageChannel();
        mine.push(port1);
        theirs.push(port2);
      }
    }
    await Promise.all(
      all.map(async (ask, rank) => {
        await ask({ kind: "open", wasm, device: "cpu", software: false, base });
        // The seed gives all the same weights.
        await ask(order({ type: "create", config, data }));
        await ask({ kind: "connect", ports: ports[rank] }, ports[rank]);
        await ask(order({ type: "join", rank, size, parts }));
      }),
    );
    return (n) => Promise.all(all.map((ask) => ask(order({ type: "step", n }))));
  };

  const made = [];
  for (const group of groups) made.push(await begin(group));
  // Warm, and to learn how many steps a round has.
  for (const steps of made) await steps(5);
  const before = performance.now();
  await made[0](10);
  const n = Math.max(5, Math.round((10 * ms) / (performance.now() - before)));
  const times = groups.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [i, steps] of made.entries()) {
      const from = performance.now();
      await steps(n);
      times[i].push((performance.now() - from) / n);
    }
  }
  return times;
}
