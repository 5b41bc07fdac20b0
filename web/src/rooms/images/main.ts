// Puts the images page together: the worker, what the browser keeps, and the view.

import { mount } from 'svelte';

import { SavedRuns } from '../../run/saved-runs';
import { keepOnLeaving, place, spawn } from '../../ui/page';
import { roomOf } from '../table';
import { ImagesPage } from './page.svelte';
import { readImages } from './url';
import App from './views/App.svelte';

const page = new ImagesPage(
  readImages(location.search),
  spawn,
  new SavedRuns(roomOf('images')?.database),
);
mount(App, { target: place(), props: { page } });
keepOnLeaving(() => page.keepNow());
void page.live();
