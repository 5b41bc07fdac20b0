// Reports whether an element is in or near the viewport, so that costly results are
// computed only where they are visible.

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
