// Tells whether an element is in sight, or nearly so: what costs something is
// done only where someone looks.

import type { Attachment } from 'svelte/attachments';

export function seen(tell: (seen: boolean) => void): Attachment<Element> {
  return (element) => {
    const watch = new IntersectionObserver(
      (entries) => tell(entries.some((entry) => entry.isIntersecting)),
      { rootMargin: '100px' },
    );
    watch.observe(element);
    return () => {
      watch.disconnect();
      tell(false);
    };
  };
}
