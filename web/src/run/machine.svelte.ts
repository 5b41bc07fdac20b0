// The worker at hand and the device it computes on; another one takes its place
// when it dies.

import type { SessionClient } from '../client/client';
import type { PageAddress } from '../rooms/language/url';
import type { OpenedDevice, RoomName } from '../worker/protocol';

export class Machine {
  device = $state.raw<OpenedDevice | null>(null);

  readonly #spawn: () => SessionClient;
  readonly #wish: Pick<PageAddress, 'device' | 'software'>;
  readonly #room: RoomName;
  #client: SessionClient;

  constructor(
    spawn: () => SessionClient,
    wish: Pick<PageAddress, 'device' | 'software'>,
    room: RoomName = 'language',
  ) {
    this.#spawn = spawn;
    this.#wish = wish;
    this.#room = room;
    this.#client = spawn();
  }

  get client(): SessionClient {
    return this.#client;
  }

  async open(): Promise<void> {
    const { device, software } = this.#wish;
    const room = this.#room;
    this.device = await this.#client.open({ room, device, software, base: document.baseURI });
  }

  /** A new worker, with nothing in it. */
  async renew(): Promise<void> {
    this.#client.terminate();
    this.#client = this.#spawn();
    await this.open();
  }
}
