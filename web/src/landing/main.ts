// The start page: two models at work, or on to the page that an old address means.

import { mount } from 'svelte';

import { place, spawn } from '../ui/page';
import { roomOf } from '../rooms/table';
import { elsewhere } from './address';
import { SolveExhibit } from './solve.svelte';
import Landing from './views/Landing.svelte';
import { WriteExhibit } from './write.svelte';

const target = elsewhere(location.search, location.hash, roomOf('language')?.path ?? './');
if (target) location.replace(target);
else {
  const [solve, write] = [new SolveExhibit(), new WriteExhibit()];
  // Before the view, which takes a moment: the workers load beside it.
  void solve.live(spawn);
  void write.live(spawn);
  mount(Landing, { target: place(), props: { solve, write } });
}
