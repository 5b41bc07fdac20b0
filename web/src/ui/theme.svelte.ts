// Light or dark: `public/assets/theme.js` has set it before the page was drawn; here the
// visitor changes it, and the browser remembers the choice if it may.

const root = document.documentElement;

class Theme {
  dark = $state(root.dataset['theme'] === 'dark');

  toggle(): void {
    this.dark = !this.dark;
    const theme = this.dark ? 'dark' : 'light';
    root.dataset['theme'] = theme;
    try {
      localStorage.setItem('theme', theme);
    } catch {
      // Forbidden or full.
    }
  }
}

export const theme = new Theme();
