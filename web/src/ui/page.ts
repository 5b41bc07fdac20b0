// The start of every page.

import './app.css';
import './contrast.css';
import { SessionClient } from '../client/client';
import { keepFocus } from './focus';

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
  keepFocus();
  return target;
}

/** Calls `keep` whenever the page may be closing. */
export function keepOnLeaving(keep: () => void): void {
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'hidden') keep();
  });
  window.addEventListener('pagehide', keep);
}
