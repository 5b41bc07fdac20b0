// A tab that trains, for the soak: its memory in JavaScript, in wasm and on the
// device, the memory of its processes, and its errors.

import { readFileSync } from "node:fs";

import { WEBGPU, launch } from "./browser.mjs";
import { TEXT_ROOM } from "./rooms.mjs";
import { press } from "./tabs.mjs";

/** More steps than any run makes here, and the largest allowed value. */
const ENDLESS = String(1 << 24);
/** How long the page may take to be ready on a slow machine. */
const TIMEOUT = 300_000;

/** Opens a new browser, whose processes belong to this tab alone, and trains. */
export async function watch(url, { device, preset }) {
  const browser = await launch(device === "gpu" ? WEBGPU : []);
  const page = await browser.newPage();
  page.setDefaultTimeout(TIMEOUT);
  const errors = [];
  page.on("pageerror", (error) => errors.push(`unhandled: ${error.message}`));
  page.on("crash", () => errors.push("the page crashed"));
  page.on("console", (message) => message.type() === "error" && errors.push(`console: ${message.text()}`));
  await page.addInitScript(holdWorker);

  const query = new URLSearchParams({ preset, max_iters: ENDLESS, device });
  if (device === "gpu") query.set("software", "1");
  await page.goto(`${url}${TEXT_ROOM}?${query}`);
  await page.locator('[data-testid="step"][data-phase="paused"]').waitFor({ state: "attached" });

  const own = await page.context().newCDPSession(page);
  const worker = await workerOf(own);
  const whole = await browser.newBrowserCDPSession();
  await press(page, "Train");
  return {
    device,
    errors,
    sample: () => sample({ page, own, worker, whole }),
    close: () => browser.close(),
  };
}

async function sample({ page, own, worker, whole }) {
  const inPage = await page.evaluate(look);
  for (const isolate of [own, worker]) await isolate.send("HeapProfiler.collectGarbage");
  const [heap, workerHeap] = [await own.send("Runtime.getHeapUsage"), await worker.send("Runtime.getHeapUsage")];
  const dom = await own.send("Memory.getDOMCounters");
  const { processInfo } = await whole.send("SystemInfo.getProcessInfo");
  return {
    ...inPage,
    figures: {
      "JS heap, page": heap.usedSize,
      "JS heap, worker": workerHeap.usedSize,
      "buffers, page": heap.backingStorageSize,
      "buffers, worker": workerHeap.backingStorageSize,
      wasm: inPage.memory?.wasm ?? null,
      device: inPage.memory?.device ?? null,
      "renderer process": resident(processInfo, "renderer"),
      "GPU process": resident(processInfo, "GPU"),
      "DOM nodes": dom.nodes,
      listeners: dom.jsEventListeners,
      storage: inPage.storage,
    },
  };
}

/**
 * Runs in the page before its own code: keeps a reference to its first worker, which holds the
 * run. Those that share its updates come and go.
 */
function holdWorker() {
  window.Worker = class extends Worker {
    constructor(...how) {
      super(...how);
      window.watched ??= { worker: this, asked: 0 };
    }
  };
}

/** Runs in the page: what it shows, and the memory that its session reports. */
async function look() {
  const { watched } = window;
  // Ids above those of the page's own requests; the page ignores answers to others.
  const id = 1e12 + ++watched.asked;
  const memory = await new Promise((resolve) => {
    const hear = ({ data }) => {
      if (data.id !== id) return;
      watched.worker.removeEventListener("message", hear);
      resolve(data.event?.type === "memory" ? data.event.memory : null);
    };
    watched.worker.addEventListener("message", hear);
    watched.worker.postMessage({
      id,
      kind: "command",
      command: { type: "measure_memory" },
    });
  });
  const { step, phase } = document.querySelector('[data-testid="step"]').dataset;
  const notice = document.querySelector('[data-testid="notice"]')?.textContent.trim() ?? "";
  const { usage } = await navigator.storage.estimate();
  return { step: Number(step), phase, notice, memory, storage: usage };
}

/** A session with the worker's isolate, which the page's session does not measure. */
async function workerOf(session) {
  const waiting = new Map();
  let last = 0;
  const attached = new Promise((resolve) =>
    session.on("Target.attachedToTarget", ({ sessionId, targetInfo }) => {
      if (targetInfo.type === "worker") resolve(sessionId);
    }),
  );
  session.on("Target.receivedMessageFromTarget", ({ message }) => {
    const { id, result, error } = JSON.parse(message);
    const settle = waiting.get(id);
    waiting.delete(id);
    if (error) settle?.reject(new Error(error.message));
    else settle?.resolve(result);
  });
  await session.send("Target.setAutoAttach", {
    autoAttach: true,
    waitForDebuggerOnStart: false,
    flatten: false,
  });
  const sessionId = await attached;
  const send = (method) => {
    const id = ++last;
    const answer = new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
    const message = JSON.stringify({ id, method });
    return session.send("Target.sendMessageToTarget", { sessionId, message }).then(() => answer);
  };
  return { send };
}

/** Resident bytes of all processes of a kind (Linux only; else null). */
function resident(processes, type) {
  try {
    const sizes = processes
      .filter((each) => each.type === type)
      .map(({ id }) => Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${id}/status`, "utf8"))?.[1]) * 1024);
    return sizes.length ? sizes.reduce((a, b) => a + b) : null;
  } catch {
    return null;
  }
}
