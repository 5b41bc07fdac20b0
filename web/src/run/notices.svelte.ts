// One message at a time: what happened, and what to do.

import type { Failure } from '../gen';
import type { Notice } from './state';
import { OTHER } from '../rooms/table';
import { sentence } from './format';
import type { RoomName } from '../worker/protocol';

export class Notices {
  shown = $state.raw<Notice | null>(null);

  readonly #room: RoomName;

  constructor(room: RoomName) {
    this.#room = room;
  }

  tell(tone: Notice['tone'], message: string, hint: string): void {
    this.shown = { tone, message: sentence(message), hint };
  }

  /** `search`: what the other room is told, where it is the right one. */
  fail({ kind, message, hint }: Failure, search = '?handed=1'): void {
    this.tell('bad', message, hint);
    if (kind !== 'room' || !this.shown) return;
    const { page, words } = OTHER[this.#room];
    this.shown = { ...this.shown, link: { href: page + search, words } };
  }

  /** Good news has been seen once something else is done. */
  settle(): void {
    if (this.shown?.tone === 'good') this.shown = null;
  }

  dismiss(): void {
    this.shown = null;
  }
}
