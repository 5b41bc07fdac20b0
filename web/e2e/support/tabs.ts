// Rooms have tabs. A story that acts on something looks for it in the open tab first, and
// then through the others, as a person does.

import type { Locator, Page } from '@playwright/test';

const TABS = ['Explore', 'Train', 'Library'] as const;
const ACTIONS = [
  ...['click', 'fill', 'hover', 'press', 'check', 'uncheck', 'selectOption', 'focus'],
  ...['scrollIntoViewIfNeeded', 'setInputFiles', 'dblclick'],
];
/** How long it looks, in milliseconds. */
const PATIENCE = 30_000;

/** Opens a tab of a room. */
export async function openTab(page: Page, name: (typeof TABS)[number]): Promise<void> {
  await page.getByRole('tab', { name, exact: true }).click();
}

/**
 * The tab that has what is looked for, where every place of it is in a tab that is not
 * open. A role counts what is hidden only where it is told to.
 */
async function elsewhere(locator: Locator): Promise<(typeof TABS)[number] | undefined> {
  const selector = Reflect.get(locator, '_selector') as unknown;
  if (typeof selector !== 'string') return undefined;
  const every = selector.replaceAll(/internal:role=[a-z]+/g, '$&[include-hidden=true]');
  const panels = await locator
    .page()
    .locator(every)
    .evaluateAll((all) => all.map((it) => it.closest('[role="tabpanel"][hidden]')?.id ?? ''));
  if (panels.includes('')) return undefined;
  return TABS.find((name) => panels.includes(name.toLowerCase()));
}

async function look(locator: Locator, click: (tab: Locator) => Promise<void>): Promise<void> {
  const page = locator.page();
  const end = Date.now() + PATIENCE;
  const there = () => locator.first().isVisible();
  const soon = async (ms: number) => {
    for (const until = Date.now() + ms; Date.now() < until; await page.waitForTimeout(100)) {
      if (await there()) return true;
    }
    return there();
  };
  if ((await there()) || (await page.getByRole('tab').count()) === 0) return;
  const through = async (tabs: readonly string[]) => {
    const before = await page.getByRole('tab', { selected: true }).textContent();
    const y = await page.evaluate(() => scrollY);
    for (const name of tabs) {
      await click(page.getByRole('tab', { name, exact: true }));
      if (await there()) return true;
    }
    await click(page.getByRole('tab', { name: before ?? 'Explore', exact: true }));
    await page.evaluate((y) => scrollTo(0, y), y);
    return false;
  };
  const tab = await elsewhere(locator);
  if (tab && (await through([tab]))) return;
  // What is written where it is seen takes a moment.
  if (await soon(500)) return;
  while (Date.now() < end) {
    // It may still come, where the story was.
    if ((await through(TABS)) || (await soon(3_000))) return;
  }
}

/** From now on actions look through the tabs. */
export function lookThroughTabs(page: Page): void {
  const proto = Object.getPrototypeOf(page.locator('body')) as Record<string, unknown>;
  if (proto['looks']) return;
  proto['looks'] = true;
  const click = proto['click'] as (this: Locator) => Promise<void>;
  for (const name of ACTIONS) {
    const act = proto[name] as (this: Locator, ...args: unknown[]) => Promise<unknown>;
    proto[name] = async function (this: Locator, ...args: unknown[]): Promise<unknown> {
      await look(this, (tab) => click.call(tab));
      return act.apply(this, args);
    };
  }
}
