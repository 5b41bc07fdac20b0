// The worker: holds the session and passes commands to it, one at a time. It is
// the only importer of the wasm modules, and decides nothing else.

import type { Command, Event, Failure } from '../gen';
import { decide, findAdapter } from './device';
import { Exchange } from './exchange';
import { loadSession, type Session } from './load';
import {
  type Crash,
  isFailure,
  type Loading,
  type OpenedDevice,
  type OpenOptions,
  type Reply,
  type Request,
} from './protocol';

let session: Session | undefined;
let exchange: Exchange | undefined;
let queue: Promise<void> = Promise.resolve();

function failureOf(error: unknown, hint: string): Failure {
  if (isFailure(error)) {
    // Only these: an exception would lose them on its way to the page.
    const { kind, message, hint } = error;
    return { kind, message, hint };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { kind: 'device', message, hint };
}

async function open(options: OpenOptions): Promise<OpenedDevice> {
  const adapter = options.device === 'cpu' ? null : await findAdapter();
  const choice = decide(options.device, options.software, adapter);
  try {
    session = await loadSession(choice.backend, options.modules, options.base, progress);
    return { info: session.device(), reason: choice.reason };
  } catch (error) {
    if (choice.backend === 'cpu') throw error;
    const { message } = failureOf(error, '');
    session = await loadSession('cpu', options.modules, options.base, progress);
    return { info: session.device(), reason: `WebGPU could not be opened (${message}).` };
  }
}

function filesOf(event: Event): readonly Uint8Array[] {
  if (event.type === 'saved') return [event.saved.checkpoint, event.saved.optimizer];
  return event.type === 'exported' ? [event.checkpoint] : [];
}

/** Byte arrays of their own are handed over instead of copied. */
function transferable(event: Event): Transferable[] {
  const buffers = new Set<Transferable>();
  for (const bytes of filesOf(event)) {
    if (bytes.buffer instanceof ArrayBuffer && bytes.byteLength === bytes.buffer.byteLength) {
      buffers.add(bytes.buffer);
    }
  }
  return [...buffers];
}

/** Milliseconds between two messages about what has come. */
const EVERY = 100;
let told = 0;

function progress(received: number, total: number): void {
  const now = performance.now();
  if (now - told < EVERY && received < total) return;
  told = now;
  reply({ kind: 'loading', received, total });
}

function reply(message: Reply | Crash | Loading, transfer: Transferable[] = []): void {
  self.postMessage(message, { transfer });
}

async function command(id: number, asked: Command): Promise<void> {
  if (!session) {
    const failure: Failure = {
      kind: 'protocol',
      message: 'The engine is not loaded.',
      hint: 'Reload the page.',
    };
    reply({ id, ok: false, failure });
    return;
  }
  const event = await session.handle(asked);
  reply({ id, ok: true, kind: 'event', event }, transferable(event));
}

async function answer(request: Request): Promise<void> {
  const { id } = request;
  try {
    switch (request.kind) {
      case 'open':
        reply({ id, ok: true, kind: 'opened', device: await open(request) });
        break;
      case 'command':
        await command(id, request.command);
        break;
      case 'connect':
        exchange?.close();
        exchange = new Exchange(request.ports);
        session?.connect(exchange);
        reply({ id, ok: true, kind: 'done' });
        break;
      case 'disconnect':
        exchange?.stop(request.failure);
        reply({ id, ok: true, kind: 'done' });
        break;
      default:
        request satisfies never;
    }
  } catch (error) {
    reply({ id, ok: false, failure: failureOf(error, 'Reload the page.') });
  }
}

self.addEventListener('message', ({ data }: MessageEvent<Request>) => {
  // A command may be waiting for the worker that stopped.
  if (data.kind === 'disconnect') void answer(data);
  else queue = queue.then(() => answer(data));
});

// A panic inside wasm leaves its promise unsettled and surfaces here instead.
self.addEventListener('error', (event) => {
  reply({ kind: 'crashed', message: event.message });
});
self.addEventListener('unhandledrejection', (event) => {
  reply({ kind: 'crashed', message: String(event.reason) });
});
