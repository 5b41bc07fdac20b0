// What axe-core finds on a page.

import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from '@playwright/test';

import { expect } from './test';

/** The rules that ask for colours. */
export const COLOURS = ['color-contrast', 'link-in-text-block'];

/**
 * Fails with every rule that the page breaks, and where. The page has no frames, so that
 * axe-core needs no second tab to put its results together, and of what passes no list is
 * made: three times as fast. `rules`: only these.
 */
export async function expectNoViolation(page: Page, where = '', rules?: string[]): Promise<void> {
  const axe = new AxeBuilder({ page }).setLegacyMode().options({
    resultTypes: ['violations'],
    ...(rules && { runOnly: { type: 'rule', values: rules } }),
  });
  const { violations } = await axe.analyze();
  const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map((n) => n.target).join(' ')}`);
  expect(found, where).toEqual([]);
}
