// The worker's end of a session, for tests: answers every command with one event.

import type { WorkerPort } from '../../src/client/client';
import type { Command, Event } from '../../src/gen';

export abstract class Answering implements WorkerPort {
  #listen: (event: { data: unknown }) => void = () => undefined;

  protected abstract answer(command: Command): Event;

  /** Gives `message` to the client, after all that is under way. */
  protected reply(message: object): void {
    queueMicrotask(() => this.#listen({ data: message }));
  }

  postMessage({ id, command }: { id: number; command: Command }): void {
    this.reply({ id, ok: true, kind: 'event', event: this.answer(command) });
  }

  terminate(): void {
    this.#listen = () => undefined;
  }

  addEventListener(
    type: string,
    listener: (event: { data: unknown; message?: string }) => void,
  ): void {
    if (type === 'message') this.#listen = listener;
  }
}
