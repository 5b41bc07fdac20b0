// The current worker and its device; a new worker replaces it after a crash.

import type { SessionClient } from '../client/client';
import type { Family } from '../gen';
import { roomOf } from '../rooms/table';
import type { OpenedDevice } from '../worker/protocol';
import type { Wish } from './url';

export class Machine {
  device = $state.raw<OpenedDevice | null>(null);

  readonly #spawn: () => SessionClient;
  readonly #wish: Wish;
  readonly #family: Family;
  #client: SessionClient;

  constructor(spawn: () => SessionClient, wish: Wish, family: Family) {
    this.#spawn = spawn;
    this.#wish = wish;
    this.#family = family;
    this.#client = spawn();
  }

  get client(): SessionClient {
    return this.#client;
  }

  async open(): Promise<void> {
    const { device, software } = this.#wish;
    const wasm = roomOf(this.#family)?.wasm ?? 'cpu';
    this.device = await this.#client.open({ wasm, device, software, base: document.baseURI });
  }

  /** A new worker, with nothing in it. */
  async renew(): Promise<void> {
    this.#client.terminate();
    this.#client = this.#spawn();
    await this.open();
  }
}
