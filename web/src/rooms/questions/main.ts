// Puts the questions page together: the worker, what the browser keeps, and the view.

import { mount } from 'svelte';

import { readWish } from '../../run/wish';
import { place, spawn } from '../../ui/page';
import { QuestionsPage } from './page.svelte';
import App from './views/App.svelte';

const address = new URLSearchParams(location.search);
const problems: string[] = [];
const page = new QuestionsPage(spawn, readWish(address, problems));
mount(App, { target: place(), props: { page } });
page.complain(problems);
void page.live(address.has('handed'));
