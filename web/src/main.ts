// Puts the page together: the worker, what the browser keeps, and the view.

import { mount } from 'svelte';

import { Lab } from './control/lab.svelte';
import { keepOnLeaving, place, spawn } from './page';
import { Shelf } from './state/keep';
import { read } from './state/url';
import App from './views/App.svelte';

const lab = new Lab(read(location.search), spawn, new Shelf());
mount(App, { target: place(), props: { lab } });
keepOnLeaving(lab);
void lab.live();
