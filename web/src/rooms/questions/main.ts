// Puts the questions page together: the worker, what the browser keeps, and the view.

import { mount } from 'svelte';

import { place, spawn } from '../../ui/page';
import { QuestionsPage } from './page.svelte';
import { readQuestions } from './url';
import App from './views/App.svelte';

const { wish, checkpoint, handed, problems } = readQuestions(location.search);
const page = new QuestionsPage(spawn, wish);
mount(App, { target: place(), props: { page } });
page.complain(problems);
void page.live(handed, checkpoint);
