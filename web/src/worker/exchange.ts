// What connects this worker with the others of its group: every one sends gradients to
// all others and waits for theirs.

import type { Failure } from '../gen';
import { EngineFailure } from './failure';

/** The ports that it needs; tests pass their own. */
export interface Port {
  postMessage(message: unknown, transfer: Transferable[]): void;
  onmessage: ((event: MessageEvent<unknown>) => void) | null;
  close(): void;
}

interface Waiting {
  resolve(others: Float32Array[]): void;
  reject(stopped: Error): void;
}

export class Exchange {
  readonly #ports: readonly Port[];
  /** By port: what has arrived and not been asked for; the others may be a round ahead. */
  readonly #arrived: Float32Array[][];
  #waiting: Waiting | null = null;
  #stopped: EngineFailure | null = null;

  /** `ports`: one to every other worker. */
  constructor(ports: readonly Port[]) {
    this.#ports = ports;
    this.#arrived = ports.map(() => []);
    ports.forEach((port, i) => {
      port.onmessage = ({ data }) => {
        if (data instanceof Float32Array) this.#arrived[i]?.push(data);
        this.#settle();
      };
    });
  }

  /** Gives an array away to each of the others, and resolves to theirs. */
  swap(own: readonly Float32Array[]): Promise<Float32Array[]> {
    if (this.#stopped) return Promise.reject(this.#stopped);
    own.forEach((array, i) => this.#ports[i]?.postMessage(array, [array.buffer]));
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#settle();
    });
  }

  /** Another worker stopped: nobody waits for it. */
  stop(failure: Failure): void {
    this.#stopped ??= new EngineFailure(failure);
    this.close();
    this.#waiting?.reject(this.#stopped);
    this.#waiting = null;
  }

  close(): void {
    for (const port of this.#ports) port.close();
  }

  #settle(): void {
    if (!this.#waiting || this.#arrived.some((arrived) => arrived.length === 0)) return;
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting.resolve(this.#arrived.flatMap((arrived) => arrived.splice(0, 1)));
  }
}
