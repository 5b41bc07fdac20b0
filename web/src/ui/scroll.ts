// Where the page and its texts are scrolled to.

import type { Attachment } from 'svelte/attachments';

import { still } from './still';
import { tabs } from './tabs.svelte';

/** Goes to a section of the page, by element id. */
export function go(place: string): void {
  const element = tabs.reveal(place);
  if (!element) return;
  // The tab that it lies in is shown first.
  requestAnimationFrame(() =>
    element.scrollIntoView({ behavior: still() ? 'auto' : 'smooth', block: 'start' }),
  );
}

/** Goes there with the focus, as a link does: the next key goes on from its heading. */
export function visit(place: string): void {
  go(place);
  requestAnimationFrame(() => {
    const section = document.getElementById(place);
    const heading = section?.querySelector<HTMLElement>('h2, h3') ?? section;
    if (!heading) return;
    heading.tabIndex = -1;
    // It scrolls there by itself, and smoothly.
    heading.focus({ preventScroll: true });
  });
}

/** Shows the end of a text as it grows, but not to those who have scrolled back in it. */
export const atEnd: Attachment<HTMLElement> = (text) => {
  let follows = true;
  const scrolled = () => {
    follows = text.scrollHeight - text.scrollTop - text.clientHeight < 8;
  };
  const grown = () => {
    if (follows) text.scrollTop = text.scrollHeight;
  };
  const watch = new MutationObserver(grown);
  watch.observe(text, { childList: true, characterData: true, subtree: true });
  text.addEventListener('scroll', scrolled);
  grown();
  return () => watch.disconnect();
};
