// Goes to a section of the page, by element id.

import { still } from './still';
import { tabs } from './tabs.svelte';

export function go(place: string): void {
  const element = tabs.reveal(place);
  if (!element) return;
  // The tab that it lies in is shown first.
  requestAnimationFrame(() =>
    element.scrollIntoView({ behavior: still() ? 'auto' : 'smooth', block: 'start' }),
  );
}
