// The tabs of a room, for scripts that use the page like a person.

/** Opens a tab; a page without tabs stays as it is. */
export async function openTab(page, name) {
  const tab = page.getByRole("tab", { name, exact: true });
  if (await tab.count()) await tab.click();
}

/** Presses a button, in whichever tab it is. */
export async function press(page, name) {
  const button = page.getByRole("button", { name, exact: true });
  for (const tab of await page.getByRole("tab").all()) {
    if (await button.first().isVisible()) break;
    await tab.click();
  }
  await button.click();
}
