// Goes to a section of the page.

import { tabs } from '../../../ui/tabs.svelte';
import type { Place } from '../tour';

export function go(place: Place): void {
  const element = tabs.reveal(place);
  if (!element) return;
  const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
  // The tab that it lies in is shown first.
  requestAnimationFrame(() =>
    element.scrollIntoView({ behavior: still ? 'auto' : 'smooth', block: 'start' }),
  );
}
