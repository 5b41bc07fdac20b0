// Light or dark, before anything is drawn: no module, and not in the HTML, where the page's policy
// forbids scripts. src/ui/theme.svelte.ts stores the choice.
{
  let theme = null;
  try {
    theme = localStorage.getItem('theme');
  } catch {
    // Storage is forbidden.
  }
  theme ??= matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
  document.documentElement.dataset.theme = theme;
}
