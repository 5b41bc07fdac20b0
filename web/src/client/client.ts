// The page's side of the worker: numbers requests, narrows replies, and sees to it
// that every request settles, also when the worker dies.

import type { Command, Event, Failure } from '../gen';
import { sentence } from '../run/format';
import {
  type FromWorker,
  isFromWorker,
  type OpenedDevice,
  type OpenOptions,
  type Reply,
  type Request,
} from '../worker/protocol';

/** A failure as an exception; `crashed` when the whole session is gone. */
export class SessionError extends Error {
  constructor(
    readonly failure: Failure,
    readonly crashed: boolean,
  ) {
    super(failure.message);
    this.name = 'SessionError';
  }

  /** Whether only a new session helps. */
  get severe(): boolean {
    return this.crashed || this.failure.kind === 'device';
  }
}

/** What the client needs of a `Worker`; tests pass their own. */
export interface WorkerPort {
  postMessage(message: unknown, transfer?: Transferable[]): void;
  terminate(): void;
  addEventListener(type: 'message', listener: (event: { data: unknown }) => void): void;
  addEventListener(type: 'error', listener: (event: { message?: string }) => void): void;
  addEventListener(type: 'messageerror', listener: () => void): void;
}

type EventOf<T extends Event['type']> = Extract<Event, { type: T }>;

function isEvent<T extends Event['type']>(event: Event, type: T): event is EventOf<T> {
  return event.type === type;
}

interface Pending {
  settle(reply: Reply): void;
  fail(error: SessionError): void;
}

/** Distributes over the union, unlike the built-in. */
type Numberless<T> = T extends { id: number } ? Omit<T, 'id'> : never;

export class SessionClient {
  readonly #port: WorkerPort;
  readonly #pending = new Map<number, Pending>();
  #next = 1;
  #dead: SessionError | undefined;

  constructor(port: WorkerPort) {
    this.#port = port;
    port.addEventListener('message', ({ data }) => this.#receive(data));
    port.addEventListener('error', ({ message }) => this.#crash(message ?? 'it could not start'));
    port.addEventListener('messageerror', () => this.#crash('it sent an unreadable message'));
  }

  /** Called as the engine comes: bytes received, and in all, 0 where that is not known. */
  loading: (received: number, total: number) => void = () => undefined;

  get alive(): boolean {
    return this.#dead === undefined;
  }

  /** Why it has ended, if it has. */
  get end(): Failure | null {
    return this.#dead?.failure ?? null;
  }

  async open(options: OpenOptions): Promise<OpenedDevice> {
    const reply = await this.#request({ kind: 'open', ...options });
    if (reply.ok && reply.kind === 'opened') return reply.device;
    throw unexpected(reply, 'opened');
  }

  /**
   * Sends a command and gives back the event it must be answered with. `given`: buffers
   * of the command that are handed over instead of copied.
   */
  async ask<T extends Event['type']>(
    command: Command,
    expected: T,
    given: Transferable[] = [],
  ): Promise<EventOf<T>> {
    const reply = await this.#request({ kind: 'command', command }, given);
    if (reply.ok && reply.kind === 'event') {
      if (isEvent(reply.event, expected)) return reply.event;
      if (reply.event.type === 'failed') throw new SessionError(reply.event.failure, false);
    }
    throw unexpected(reply, expected);
  }

  /** Connects the worker with the others of a group, by a port to each of them. */
  async connect(ports: readonly MessagePort[]): Promise<void> {
    const reply = await this.#request({ kind: 'connect', ports }, [...ports]);
    if (!reply.ok) throw unexpected(reply, 'done');
  }

  /** Tells the worker that another one of its group stopped. */
  async disconnect(failure: Failure): Promise<void> {
    await this.#request({ kind: 'disconnect', failure });
  }

  /** Ends the worker. Requests on their way are refused, not forgotten. */
  terminate(): void {
    this.#end('the session was closed');
  }

  #request(body: Numberless<Request>, transfer: Transferable[] = []): Promise<Reply> {
    if (this.#dead) return Promise.reject(this.#dead);
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { settle: resolve, fail: reject });
      try {
        this.#port.postMessage({ id, ...body } satisfies Request, transfer);
      } catch (error) {
        this.#pending.delete(id);
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    });
  }

  #receive(data: unknown): void {
    if (!isFromWorker(data)) {
      this.#crash('it sent an unknown message');
      return;
    }
    const message: FromWorker = data;
    if ('id' in message) {
      const pending = this.#pending.get(message.id);
      this.#pending.delete(message.id);
      pending?.settle(message);
    } else if (message.kind === 'loading') {
      this.loading(message.received, message.total);
    } else {
      this.#crash(message.message);
    }
  }

  #crash(why: string): void {
    this.#end(`the training worker stopped: ${why}`);
  }

  #end(why: string): void {
    if (this.#dead) return;
    this.#dead = new SessionError(
      { kind: 'device', message: sentence(why), hint: 'Reload the page if it does not come back.' },
      true,
    );
    this.#port.terminate();
    for (const pending of this.#pending.values()) pending.fail(this.#dead);
    this.#pending.clear();
  }
}

function unexpected(reply: Reply, expected: string): SessionError {
  if (!reply.ok) return new SessionError(reply.failure, false);
  const got = reply.kind === 'event' ? reply.event.type : reply.kind;
  return new SessionError(
    {
      kind: 'protocol',
      message: `The worker answered "${got}" where "${expected}" was expected.`,
      hint: 'Reload the page; its files may come from two different versions.',
    },
    false,
  );
}
