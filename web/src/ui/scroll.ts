// Goes to a section of the page, by element id.

import { tabs } from './tabs.svelte';

export function go(place: string): void {
  const element = tabs.reveal(place);
  if (!element) return;
  const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
  // The tab that it lies in is shown first.
  requestAnimationFrame(() =>
    element.scrollIntoView({ behavior: still ? 'auto' : 'smooth', block: 'start' }),
  );
}
