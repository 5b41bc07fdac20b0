// Which tab of a room is open. The part of an address after # names a tab or anything in
// one: that tab opens.

export const TABS = [
  ['explore', 'Explore'],
  ['train', 'Train'],
  ['library', 'Library'],
] as const;

export type Tab = (typeof TABS)[number][0];

const isTab = (name: string): name is Tab => TABS.some(([tab]) => tab === name);

class Tabs {
  open = $state<Tab>('explore');

  /** Opens a tab; the address says so, for who reloads. */
  show(tab: Tab): void {
    this.open = tab;
    try {
      const hash = tab === 'explore' ? '' : `#${tab}`;
      history.replaceState(null, '', location.pathname + location.search + hash);
    } catch {
      // Browsers refuse many changes in a short time.
    }
  }

  /** Opens the tab that an element lies in; the element, once it can be scrolled to. */
  reveal(id: string): HTMLElement | null {
    const element = document.getElementById(id);
    const panel = element?.closest('[role="tabpanel"]')?.id ?? '';
    if (isTab(panel)) this.open = panel;
    return element;
  }
}

export const tabs = new Tabs();

/** Opens the tab that the address means, and scrolls to what it names. */
export function follow(hash: string): void {
  const id = hash.slice(1);
  // An address without a part after # means the first tab, also where Back leads to it.
  if (id === '') tabs.open = 'explore';
  const element = id === '' ? null : tabs.reveal(id);
  if (element && !isTab(element.id)) requestAnimationFrame(() => element.scrollIntoView());
}
