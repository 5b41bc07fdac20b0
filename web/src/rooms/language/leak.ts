// The page of the data leak demonstration.

import { mount } from 'svelte';

import { place, spawn } from '../../ui/page';
import { readWish } from '../../run/wish';
import { TextDatasets } from './datasets';
import { LeakDemo } from './leak-demo.svelte';
import LeakPage from './views/LeakPage.svelte';

const leak = new LeakDemo({
  spawn,
  wish: readWish(new URLSearchParams(location.search)),
  text: () => new TextDatasets().shakespeare(),
});
mount(LeakPage, { target: place(), props: { leak } });
