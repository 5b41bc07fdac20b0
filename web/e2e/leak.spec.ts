// The leak demonstration: a model that trains with its answer in sight, scored from
// that start and from an honest one.

import type { Locator, Page } from '@playwright/test';

import { TESTIDS } from '../src/testids';
import { expect, test } from './support/test';

/** Twenty steps and two scores, on a machine that does other things too. */
const PATIENCE = { timeout: 90_000 };

/** The card of the demonstration. */
class LeakCard {
  readonly card: Locator;

  constructor(readonly page: Page) {
    this.card = page.getByTestId(TESTIDS.leak);
  }

  async phase(phase: string | RegExp): Promise<void> {
    await expect(this.card).toHaveAttribute('data-phase', phase, PATIENCE);
  }

  button(name: string): Locator {
    return this.card.getByRole('button', { name, exact: true });
  }

  /** Waits for a score of this step or a later one. */
  async scored(step: number): Promise<void> {
    const last = async () => Number((await this.card.getAttribute('data-scored')) ?? -1);
    await expect.poll(last, PATIENCE).toBeGreaterThanOrEqual(step);
  }

  /** Perplexity and loss, as they are shown. */
  async numbers(start: 'leaking' | 'honest'): Promise<string[]> {
    return this.page.getByTestId(TESTIDS[start]).getByRole('definition').allInnerTexts();
  }

  async loss(start: 'leaking' | 'honest'): Promise<number> {
    return Number((await this.numbers(start))[1]);
  }
}

test('with its answer in sight the model looks good, without it worse than guessing', async ({
  page,
  play,
  site,
}) => {
  test.slow();
  const leak = new LeakCard(page);
  await play.open();
  await play.tab('Train');
  await page.getByRole('link', { name: /a data leak/ }).click();
  await expect(page).toHaveURL(`${site.url}leak.html`);
  await expect.poll(() => leak.numbers('honest')).toEqual(['–', '–']);
  await leak.button('Train the leaky model').click();
  await leak.scored(0);
  expect(await leak.loss('honest')).toBeGreaterThan(3);
  await leak.scored(20);
  await expect(leak.card).toContainText(/step \d+ of 300\s*\d.* left/);
  expect(page.workers()).toHaveLength(1);
  await leak.button('Stop').click();
  await leak.phase('stopped');

  await expect(leak.card).toContainText(/step \d+ of 300/);
  await expect(leak.card).not.toContainText(/ left/);

  // What was scored stays, in words too; the worker is gone.
  const [leaking, honest] = [await leak.loss('leaking'), await leak.loss('honest')];
  expect(leaking).toBeLessThan(1);
  expect(honest).toBeGreaterThan(4);
  const said = leak.card.getByRole('status');
  for (const start of ['leaking', 'honest'] as const) {
    const [perplexity = ''] = await leak.numbers(start);
    await expect(said).toContainText(`of ${perplexity} with`);
  }
  await expect(leak.card.getByRole('img')).toHaveAccessibleName(
    new RegExp(`${leaking.toFixed(3)} with the leak and ${honest.toFixed(3)} without it`),
  );
  await expect.poll(() => page.workers().length).toBe(0);

  // Run again it begins anew.
  await leak.button('Train again').click();
  await leak.phase('training');
  await expect(leak.card).toHaveAttribute('data-scored', '0');
});

test('a demonstration whose worker dies says so, and can be run again', async ({ page, site }) => {
  const leak = new LeakCard(page);
  await page.goto(`${site.url}leak.html`);
  await leak.button('Train the leaky model').click();
  await leak.phase('training');
  await page.workers().at(-1)!.evaluate(() => {
    setTimeout(() => {
      throw new Error('unreachable executed');
    });
  });
  await leak.phase('failed');
  const alert = leak.card.getByRole('alert');
  await expect(alert).toContainText(/unreachable executed.*Reload the page/);
  await expect.poll(() => page.workers().length).toBe(0);
  await leak.button('Train again').click();
  await leak.phase('training');
  await expect(alert).toHaveCount(0);
  await leak.button('Stop').click();
  await leak.phase('stopped');
});
