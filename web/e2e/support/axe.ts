// What axe-core finds on a page.

import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from '@playwright/test';

import { expect } from './test';

/**
 * Fails with every rule that the page breaks, and where. The page has no frames, so that
 * axe-core needs no second tab to put its results together, and of what passes no list is
 * made: three times as fast.
 */
export async function expectNoViolation(page: Page, where = ''): Promise<void> {
  const axe = new AxeBuilder({ page }).setLegacyMode().options({ resultTypes: ['violations'] });
  const { violations } = await axe.analyze();
  const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map((n) => n.target).join(' ')}`);
  expect(found, where).toEqual([]);
}
