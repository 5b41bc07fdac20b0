// Puts the questions page together: the worker, what the browser keeps, and the view.

import { mount } from 'svelte';

import { place, spawn } from '../../ui/page';
import { QuestionsPage } from './page.svelte';
import App from './views/App.svelte';

const page = new QuestionsPage(spawn);
mount(App, { target: place(), props: { page } });
void page.live(new URLSearchParams(location.search).has('handed'));
