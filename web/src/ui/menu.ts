// Menus whose choice replaces the run.

/** The part of a key press on a menu that is looked at. */
interface Press extends Pick<KeyboardEvent, 'key' | 'altKey' | 'preventDefault'> {
  readonly currentTarget: { showPicker?(): void };
}

/**
 * Opens a closed menu with the arrow keys. On Windows and Linux they would choose the next
 * entry at once, and each entry on the way is another run.
 */
export function openWithArrows(event: Press): void {
  const menu = event.currentTarget;
  if (!/^Arrow(Up|Down)$/.test(event.key) || event.altKey || !menu.showPicker) return;
  event.preventDefault();
  menu.showPicker();
}
