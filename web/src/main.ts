// Puts the page together: the worker, what the browser keeps, and the view.

import { mount } from 'svelte';

import './app.css';
import { SessionClient } from './client/client';
import { Lab } from './control/lab.svelte';
import { Shelf } from './state/keep';
import { read } from './state/url';
import App from './views/App.svelte';

function spawn(): SessionClient {
  return new SessionClient(
    new Worker(new URL('./worker/worker.ts', import.meta.url), { type: 'module' }),
  );
}

const target = document.getElementById('app');
if (!target) throw new Error('the page has no place for the application');

const lab = new Lab(read(location.search), spawn, new Shelf());
// Until here it says that the page is loading.
target.replaceChildren();
mount(App, { target, props: { lab } });

document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'hidden') lab.keepNow();
});
window.addEventListener('pagehide', () => lab.keepNow());
void lab.live();
