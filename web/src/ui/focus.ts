// The focus of those who use the keyboard. A button that its own action makes unavailable
// keeps it; where the button is removed, disabled or hidden, it moves to what is nearest.
// Without this it would be lost: the next key would do nothing, or go on at the top of the
// page. Those who use a pointer have no use for it, so it is left alone there.

/** Buttons and links before fields: those of a place say what can be done there. */
const TAKERS = [':is(a, button):not([tabindex="-1"])', 'input, select, textarea, summary'];

/** Whether neither it nor anything in it can have the focus; what had it before still may. */
const gone = (element: Element): boolean =>
  !element.isConnected || element.matches(':disabled, [hidden], [hidden] *');

/** Gives the focus to the first of these that takes it; whether one did. */
export function focusFirst(elements: Iterable<HTMLElement | null>): boolean {
  for (const element of elements) {
    if (!element || gone(element)) continue;
    // What is not shown does not take it. The page stays where it is scrolled to.
    element.focus({ preventScroll: true });
    if (document.activeElement === element) return true;
  }
  return false;
}

/** Looks after the focus until the page closes. */
export function keepFocus(): void {
  /** What has the focus and all that it lies in; empty while a pointer is used. */
  let line: Element[] = [];
  let pointer = false;

  function note(): void {
    line = [];
    if (pointer) return;
    for (let at = document.activeElement; at; at = at.parentElement) line.push(at);
  }

  function removed(): void {
    const [lost] = line;
    if (!lost || !gone(lost)) return;
    const places = line.filter((place) => !gone(place));
    line = [];
    const { activeElement, body } = document;
    if (activeElement && activeElement !== body && activeElement !== lost) return;
    // Another view of the page may have an element in its place.
    if (lost.id && focusFirst([document.getElementById(lost.id)])) return;
    for (const place of places) {
      // Of the whole page, the open tab: what comes before it is the same on every page.
      const within = place.querySelector('main') ?? place;
      for (const takers of TAKERS) {
        if (focusFirst(within.querySelectorAll<HTMLElement>(takers))) return;
      }
    }
  }

  /** Buttons that are unavailable are not disabled, so that they keep the focus. */
  function press(event: Event): void {
    const { target } = event;
    if (!(target instanceof Element) || !target.closest('[aria-disabled="true"]')) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }

  const uses = (another: boolean) => () => {
    pointer = another;
    note();
  };

  document.addEventListener('pointerdown', uses(true), true);
  document.addEventListener('keydown', uses(false), true);
  document.addEventListener('focusin', note);
  // Before any other listener.
  document.addEventListener('click', press, true);
  new MutationObserver(removed).observe(document.body, {
    ...{ childList: true, subtree: true },
    attributeFilter: ['hidden', 'disabled'],
  });
}
