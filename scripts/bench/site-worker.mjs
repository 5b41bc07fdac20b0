// Runs in a page: the site's workers, without the site's page. Nothing from outside a
// function is used in it, but what `installClient` leaves in the window.

/** `window.bench.spawn(options)` opens a worker and gives a function that sends it commands. */
export function installClient() {
  const spawn = async ({ worker, base, wasm }) => {
    const made = new Worker(worker, { type: "module" });
    const waiting = new Map();
    let next = 1;
    made.addEventListener("message", ({ data }) => {
      const { resolve, reject } = waiting.get(data.id) ?? {};
      const failure = data.failure ?? data.event?.failure;
      if (failure) reject?.(new Error(failure.message));
      else resolve?.(data.event);
    });
    const ask = (body, transfer = []) =>
      new Promise((resolve, reject) => {
        waiting.set(next, { resolve, reject });
        made.postMessage({ id: next, ...body }, transfer);
        next += 1;
      });
    await ask({ kind: "open", modules: { cpu: wasm, gpu: "gpu" }, device: "cpu", software: false, base });
    const command = (command) => ask({ kind: "command", command });
    const connect = (ports) => ask({ kind: "connect", ports }, ports);
    return { command, connect };
  };
  window.bench = { spawn };
}

/**
 * Opens groups of workers that share every update, and warms them. `window.bench.steps(group, n)`
 * then gives the milliseconds of each of `n` steps. How many steps of one worker take `ms`.
 */
export async function sharedTraining({ site, config, data, groups, ms }) {
  const begin = async ({ size, parts }) => {
    const all = await Promise.all(Array.from({ length: size }, () => window.bench.spawn(site)));
    const ports = all.map(() => []);
    for (const [i, mine] of ports.entries()) {
      for (const theirs of ports.slice(i + 1)) {
        const { port1, port2 } = new MessageChannel();
        mine.push(port1);
        theirs.push(port2);
      }
    }
    await Promise.all(
      all.map(async ({ command, connect }, rank) => {
        // The seed gives all the same weights.
        await command({ type: "create", config, data });
        await connect(ports[rank]);
        await command({ type: "join", rank, size, parts });
      }),
    );
    return (n) => Promise.all(all.map(({ command }) => command({ type: "step", n })));
  };

  const made = [];
  for (const group of groups) made.push(await begin(group));
  window.bench.steps = async (group, n) => {
    const from = performance.now();
    await made[group](n);
    return (performance.now() - from) / n;
  };
  for (const group of groups.keys()) await window.bench.steps(group, 5);
  return Math.max(5, Math.round(ms / (await window.bench.steps(0, 10))));
}

/** Milliseconds of each of `times` classifications of a drawing by a trained model. */
export async function classifying({ site, checkpoint, bitmap, inner, outer, times }) {
  const { command } = await window.bench.spawn(site);
  const file = new Uint8Array(await (await fetch(checkpoint)).arrayBuffer());
  await command({ type: "load", checkpoint: file, optimizer: null, data: null, base: null });
  const input = { kind: "drawing", bitmap: new Uint8Array(bitmap) };
  const ask = () => command({ type: "classify", input, inner_steps: inner, outer_steps: outer });
  for (let i = 0; i < 5; i++) await ask();
  const measured = [];
  for (let i = 0; i < times; i++) {
    const from = performance.now();
    await ask();
    measured.push(performance.now() - from);
  }
  return measured;
}

/**
 * Trains a new model until `share` of all held-out validation images are right, and scores
 * it on the test images then. Seconds include the validations.
 */
export async function learning({ site, config, data, share, every, limit }) {
  const { command } = await window.bench.spawn(site);
  await command({ type: "create", config, data });
  const score = async (split) => {
    const ask = { type: "evaluate_images", split, images: 0, inner_steps: 0, outer_steps: 0 };
    const { scores } = await command(ask);
    return scores.steps.at(-1).top1;
  };
  const from = performance.now();
  for (let step = every; step <= limit; step += every) {
    await command({ type: "step", n: every });
    const val = await score("val");
    const seconds = (performance.now() - from) / 1000;
    if (val >= share || step + every > limit) return { step, seconds, val, test: await score("test") };
  }
  throw new Error("no steps");
}
