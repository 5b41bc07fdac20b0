// Workers that train one run together: the first one holds the run, and the others a copy
// of it. They share the rows of every update and exchange their gradients among each
// other. Only the first one evaluates, writes and saves.

import { type SessionClient, SessionError } from '../client/client';
import type { DataSource, Failure, RunConfig, StepReport } from '../gen';
import { ALONE, type Sharing } from './sharing';

/** What a copy of a run needs beside its saved state. */
export interface Sources {
  readonly data: DataSource;
  /** The frozen base of the model. */
  readonly base: Uint8Array | null;
}

export class WorkerGroup {
  readonly #first: SessionClient;
  readonly #others: readonly SessionClient[];
  #stopped: Failure | null = null;
  #closed = false;

  /** `others` are open and take no other orders. */
  constructor(first: SessionClient, others: readonly SessionClient[]) {
    this.#first = first;
    this.#others = others;
  }

  /** Why they train no further; the first worker has then made whole updates only. */
  get stopped(): Failure | null {
    // One may have died between two requests.
    if (!this.#closed) this.#stopped ??= this.#others.find(({ end }) => end)?.end ?? null;
    return this.#stopped;
  }

  /** Workers. */
  get size(): number {
    return this.#others.length + 1;
  }

  /** Whether they can go on together. */
  get whole(): boolean {
    return this.stopped === null && !this.#closed;
  }

  /** Whether `first` is the worker that holds the run. */
  isOf(first: SessionClient): boolean {
    return this.#first === first;
  }

  /** Copies the run of the first worker to the others, and connects all. */
  async copy({ data, base }: Sources, sharing: Sharing): Promise<void> {
    const { saved } = await this.#first.ask({ type: 'save' }, 'saved');
    const { checkpoint, optimizer } = saved;
    await this.#tell((other) =>
      other.ask({ type: 'load', checkpoint, optimizer, base, data }, 'ready'),
    );
    await this.#connect();
    await this.#join(sharing);
  }

  /** Takes over settings that the first worker has already. */
  async configure(config: RunConfig, sharing: Sharing): Promise<void> {
    await this.#tell((other) => other.ask({ type: 'configure', config }, 'ready'));
    await this.#join(sharing);
  }

  /**
   * Trains up to `n` steps. If another worker stops, these are the steps before that,
   * and the group is no longer whole; `null` if there are none.
   */
  async step(n: number): Promise<readonly StepReport[] | null> {
    const order = { type: 'step', n } as const;
    for (const other of this.#others) {
      other.ask(order, 'stepped').catch((error: unknown) => this.#stop(failureOf(error)));
    }
    try {
      return (await this.#first.ask(order, 'stepped')).reports;
    } catch (error) {
      if (this.#stopped && error instanceof SessionError && !error.crashed) {
        // Of its own it fails again when it trains alone.
        if (error.failure.kind !== 'diverged') return null;
      }
      this.close();
      throw error;
    }
  }

  /** Ends the others; the first one trains alone. */
  async leave(): Promise<void> {
    this.close();
    await this.#first.ask({ type: 'join', rank: 0, ...ALONE }, 'ready');
  }

  /** Ends the others. */
  close(): void {
    this.#closed = true;
    for (const other of this.#others) other.terminate();
  }

  /** The first worker must not wait for the others. */
  #stop(failure: Failure): void {
    if (this.#closed) return;
    this.#stopped = failure;
    this.close();
    // A first worker that is gone as well has refused its own request.
    this.#first.disconnect(failure).catch(() => undefined);
  }

  async #tell(order: (other: SessionClient) => Promise<unknown>): Promise<void> {
    await Promise.all(this.#others.map(order));
  }

  /** Gives every worker a port to every other. */
  async #connect(): Promise<void> {
    const all = [this.#first, ...this.#others];
    const ports: MessagePort[][] = all.map(() => []);
    for (const [i, mine] of ports.entries()) {
      for (const theirs of ports.slice(i + 1)) {
        const { port1, port2 } = new MessageChannel();
        mine.push(port1);
        theirs.push(port2);
      }
    }
    await Promise.all(all.map((client, i) => client.connect(ports[i] ?? [])));
  }

  async #join({ size, parts }: Sharing): Promise<void> {
    const all = [this.#first, ...this.#others];
    const join = (client: SessionClient, rank: number) =>
      client.ask({ type: 'join', rank, size, parts }, 'ready');
    await Promise.all(all.map(join));
  }
}

function failureOf(error: unknown): Failure {
  if (error instanceof SessionError) return error.failure;
  const message = error instanceof Error ? error.message : String(error);
  return { kind: 'device', message, hint: 'Train on fewer cores.' };
}
