// One message at a time: what happened, and what to do.

import type { SessionError } from '../client/client';
import type { Notice } from './state';
import { sentence } from './format';
import { WrongPage } from './wrong-page';

const USED = 'All other parts of the address are used.';

export class Notices {
  shown = $state.raw<Notice | null>(null);

  tell(tone: Notice['tone'], message: string, hint: string): void {
    this.shown = { tone, message: sentence(message), hint };
  }

  /** Names what the address says that cannot be used. */
  complain(problems: readonly string[]): void {
    if (problems.length === 0) return;
    // What a model lacks is known later than what cannot be read at all.
    const before = this.shown?.hint === USED ? [this.shown.message] : [];
    this.tell('bad', [...before, ...problems].join(' '), USED);
  }

  /** `search`: the query of a link to the page that the model belongs to. */
  fail(error: SessionError, search = '?handed=1'): void {
    const { message, hint } = error.failure;
    this.tell('bad', message, hint);
    if (!(error instanceof WrongPage) || !error.room || !this.shown) return;
    const { path, open } = error.room;
    this.shown = { ...this.shown, link: { href: path + search, words: open } };
  }

  /** Dismisses a message that reports no fault on the next action. */
  settle(): void {
    if (this.shown && this.shown.tone !== 'bad') this.shown = null;
  }

  dismiss(): void {
    this.shown = null;
  }
}
