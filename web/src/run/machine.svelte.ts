// The current worker and its device; a new worker replaces it after a crash.

import type { SessionClient } from '../client/client';
import type { Family } from '../gen';
import { modulesOf } from '../rooms/table';
import type { DeviceWish, OpenedDevice } from '../worker/protocol';
import { Cores } from './cores.svelte';
import type { Wish } from './wish';

export class Machine {
  device = $state.raw<OpenedDevice | null>(null);
  /** How much of the engine has come, as a share and in bytes; `null` before anything has. */
  loading = $state.raw<{ readonly share: number; readonly received: number } | null>(null);
  /** The workers that train with this one. */
  readonly cores: Cores;

  readonly #spawn: () => SessionClient;
  readonly #wish: Wish;
  readonly #family: Family;
  #client: SessionClient;

  constructor(spawn: () => SessionClient, wish: Wish, family: Family) {
    this.#spawn = spawn;
    this.#wish = wish;
    this.#family = family;
    this.#client = spawn();
    this.cores = new Cores(() => this.#another(), wish.cores ?? null);
  }

  get client(): SessionClient {
    return this.#client;
  }

  async open(): Promise<void> {
    this.#client.loading = (received, total) => {
      this.loading = { received, share: total > 0 ? Math.min(1, received / total) : 0 };
    };
    this.device = await this.#opened(this.#client, this.#wish.device);
    this.loading = { received: 0, share: 1 };
    this.cores.possible = this.device.info.backend === 'cpu';
  }

  /** A new worker, with nothing in it. */
  async renew(): Promise<void> {
    this.#client.terminate();
    this.cores.onWorkerLost();
    this.#client = this.#spawn();
    await this.open();
  }

  /** One more worker on the CPU. */
  async #another(): Promise<SessionClient> {
    const client = this.#spawn();
    try {
      await this.#opened(client, 'cpu');
    } catch (error) {
      client.terminate();
      throw error;
    }
    return client;
  }

  #opened(client: SessionClient, device: DeviceWish): Promise<OpenedDevice> {
    const modules = modulesOf(this.#family);
    return client.open({ modules, device, software: this.#wish.software, base: document.baseURI });
  }
}
