// One message at a time: what happened, and what to do.

import type { Notice } from '../state/run';
import { sentence } from '../state/say';

export class Notices {
  shown = $state.raw<Notice | null>(null);

  tell(tone: Notice['tone'], message: string, hint: string): void {
    this.shown = { tone, message: sentence(message), hint };
  }

  /** Good news has been seen once something else is done. */
  settle(): void {
    if (this.shown?.tone === 'good') this.shown = null;
  }

  dismiss(): void {
    this.shown = null;
  }
}
