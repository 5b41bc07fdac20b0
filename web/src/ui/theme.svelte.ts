// Light or dark: `public/assets/theme.js` has set it before the page was drawn; here the
// visitor changes it, and the browser remembers the choice if it may. Without a choice it
// follows the system.

const root = document.documentElement;

class Theme {
  dark = $state(root.dataset['theme'] === 'dark');
  /** Whether the visitor chose on this page: the choice may not have been stored. */
  #chosen = false;

  constructor() {
    const system = matchMedia('(prefers-color-scheme: dark)');
    system.addEventListener('change', () => {
      if (!this.#chosen && !stored()) this.#set(system.matches);
    });
  }

  toggle(): void {
    this.#chosen = true;
    const theme = this.#set(!this.dark);
    try {
      localStorage.setItem('theme', theme);
    } catch {
      // Forbidden or full.
    }
  }

  #set(dark: boolean): string {
    this.dark = dark;
    return (root.dataset['theme'] = dark ? 'dark' : 'light');
  }
}

function stored(): boolean {
  try {
    return localStorage.getItem('theme') !== null;
  } catch {
    return false;
  }
}

export const theme = new Theme();
