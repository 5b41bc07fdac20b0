// Puts the page together: the worker, what the browser keeps, and the view.

import { mount } from 'svelte';

import { LanguagePage } from './page.svelte';
import { keepOnLeaving, place, spawn } from '../../ui/page';
import { SavedRuns } from '../../run/saved-runs';
import { read } from './url';
import { roomOf } from '../table';
import App from './views/App.svelte';

const page = new LanguagePage(
  read(location.search),
  spawn,
  new SavedRuns(roomOf('language')?.database),
);
mount(App, { target: place(), props: { page } });
keepOnLeaving(() => page.keepNow());
void page.live();
