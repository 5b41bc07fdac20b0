// Scrolls to a section of the page.

import type { Place } from '../tour';

export function go(place: Place): void {
  const element = document.getElementById(place);
  if (!element) return;
  const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
  element.scrollIntoView({ behavior: still ? 'auto' : 'smooth', block: 'start' });
}
