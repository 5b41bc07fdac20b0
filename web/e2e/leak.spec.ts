// The lesson of the leak: a model that trains with its answer in sight, scored from
// that start and from an honest one.

import type { Locator, Page } from '@playwright/test';

import { TESTIDS } from '../src/testids';
import { expect, test } from './support/test';

/** Twenty steps of the lesson and two scores, on a machine that does other things too. */
const PATIENCE = { timeout: 90_000 };

/** The card of the lesson. */
class Lesson {
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
}) => {
  test.slow();
  const lesson = new Lesson(page);
  await play.open();
  expect(await lesson.numbers('honest')).toEqual(['–', '–']);
  await play.button('Train').click();
  await play.reach(5);
  await lesson.button('Train the leaky model').click();
  // One thing is trained at a time.
  await play.phase('paused');
  await lesson.scored(0);
  expect(await lesson.loss('honest')).toBeGreaterThan(3);
  await lesson.scored(20);
  await expect(lesson.card).toContainText(/step \d+ of 300\s*\d.* left/);
  expect(page.workers()).toHaveLength(2);
  await lesson.button('Stop').click();
  await lesson.phase('stopped');

  await expect(lesson.card).toContainText(/step \d+ of 300/);
  await expect(lesson.card).not.toContainText(/ left/);

  // What was scored stays, in words too; the worker is gone.
  const [leaking, honest] = [await lesson.loss('leaking'), await lesson.loss('honest')];
  expect(leaking).toBeLessThan(1);
  expect(honest).toBeGreaterThan(4);
  const said = lesson.card.getByRole('status');
  for (const start of ['leaking', 'honest'] as const) {
    const [perplexity = ''] = await lesson.numbers(start);
    await expect(said).toContainText(`of ${perplexity} with`);
  }
  await expect(lesson.card.getByRole('img')).toHaveAccessibleName(
    new RegExp(`${leaking.toFixed(3)} with the leak and ${honest.toFixed(3)} without it`),
  );
  await expect.poll(() => page.workers().length).toBe(1);

  // Run again it begins anew, until the run itself trains on.
  await lesson.button('Train again').click();
  await lesson.phase('training');
  await expect(lesson.card).toHaveAttribute('data-scored', '0');
  await play.button('Train').click();
  await lesson.phase('stopped');
  await expect.poll(() => page.workers().length).toBe(1);
});

test('a lesson whose worker dies says so, and can be run again', async ({ page, play }) => {
  const lesson = new Lesson(page);
  await play.open();
  await lesson.button('Train the leaky model').click();
  await lesson.phase('training');
  await page.workers().at(-1)!.evaluate(() => {
    setTimeout(() => {
      throw new Error('unreachable executed');
    });
  });
  await lesson.phase('failed');
  const alert = lesson.card.getByRole('alert');
  await expect(alert).toContainText(/unreachable executed.*Reload the page/);
  await expect.poll(() => page.workers().length).toBe(1);
  await play.stepOnce();
  await lesson.button('Train again').click();
  await lesson.phase('training');
  await expect(alert).toHaveCount(0);
  await lesson.button('Stop').click();
  await lesson.phase('stopped');
});
