// The start of every page.

import './app.css';
import { SessionClient } from '../client/client';
import type { RunController } from '../run/controller.svelte';

export function spawn(): SessionClient {
  return new SessionClient(
    new Worker(new URL('../worker/worker.ts', import.meta.url), { type: 'module' }),
  );
}

/** Where the view goes. Until here it says that the page is loading. */
export function place(): HTMLElement {
  const target = document.getElementById('app');
  if (!target) throw new Error('the page has no place for the application');
  target.replaceChildren();
  return target;
}

export function keepOnLeaving(bench: RunController): void {
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'hidden') bench.keepNow();
  });
  window.addEventListener('pagehide', () => bench.keepNow());
}
