// Puts the puzzle room together: the worker, what the browser keeps, and the view.

import { mount } from 'svelte';

import { PuzzleRoom } from './control/puzzle/room.svelte';
import { keepOnLeaving, place, spawn } from './page';
import { Shelf } from './state/keep';
import { readPuzzle } from './state/puzzle/url';
import App from './views/puzzle/App.svelte';

const room = new PuzzleRoom(readPuzzle(location.search), spawn, new Shelf('trm-puzzles'));
mount(App, { target: place(), props: { room } });
keepOnLeaving(room);
void room.live();
