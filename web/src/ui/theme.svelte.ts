// Light or dark: the visitor's choice, which the browser remembers if it may, or the
// system's.

import { kept, keep } from './local';

const wished = kept('theme');

class Theme {
  dark = $state(
    wished === null ? matchMedia('(prefers-color-scheme: dark)').matches : wished === 'dark',
  );

  toggle(): void {
    this.dark = !this.dark;
    keep('theme', this.name);
  }

  get name(): string {
    return this.dark ? 'dark' : 'light';
  }
}

export const theme = new Theme();
