// Puts the page together: the worker, what the browser keeps, and the view.

import { mount } from 'svelte';

import { PuzzlesPage } from './page.svelte';
import { keepOnLeaving, place, spawn } from '../../ui/page';
import { SavedRuns } from '../../run/saved-runs';
import { readPuzzle } from './url';
import { roomOf } from '../table';
import App from './views/App.svelte';

const page = new PuzzlesPage(
  readPuzzle(location.search),
  spawn,
  new SavedRuns(roomOf('puzzles')?.database),
);
mount(App, { target: place(), props: { page } });
keepOnLeaving(() => page.keepNow());
void page.live();
