// Training on several cores: the same run, faster.

import type { Page } from '@playwright/test';

import { TESTIDS } from '../src/testids';
import type { Playground } from './support/playground';
import { expect, test } from './support/test';

/** Trains single steps until two workers make them. */
async function together(page: Page, play: Playground): Promise<void> {
  const cores = page.getByTestId(TESTIDS.cores);
  await expect
    .poll(async () => {
      await play.stepOnce();
      return cores.getAttribute('data-working');
    })
    .toBe('2');
}

const choice = (page: Page) => page.getByRole('combobox', { name: 'Cores' });

test('two cores train with exactly the losses of one, over pauses and a reload', async ({
  page,
  play,
}) => {
  await play.open('?preset=tiny&max_iters=300&gradient_accumulation_steps=2&cores=2');
  await expect(page.getByText(/computes 1 of the 2 batches of every update/)).toBeVisible();
  await together(page, play);
  const paused = await play.trainTo((await play.steps()) + 10);
  await page.reload();
  await play.phase('paused');
  await play.at(paused);
  await expect(choice(page)).toHaveValue('2');
  await together(page, play);
  await play.button('Train').click();
  await play.phase('done');
  await play.at(300);
  const validation = page.getByTestId(TESTIDS.validation);
  const losses = [await play.loss.innerText(), await validation.innerText()];

  await choice(page).selectOption('1');
  await expect(page).toHaveURL(/cores=1/);
  await play.button('Reset').click();
  await play.at(0);
  await play.button('Train').click();
  await play.phase('done');
  expect([await play.loss.innerText(), await validation.innerText()]).toEqual(losses);
});

test('a batch is cut for the cores, also while it trains', async ({ page, play }) => {
  await play.open('?preset=tiny&max_iters=100000&batch_size=6&cores=1');
  await play.button('Train').click();
  await play.reach(5);
  await choice(page).selectOption('2');
  await expect(page.getByText(/computes 3 of the 6 rows of every update/)).toBeVisible();
  await expect(page.getByTestId(TESTIDS.cores)).toHaveAttribute('data-working', '2');
  await expect(page.getByText(/Steps per second: .* with 1 · .* with 2/)).toBeVisible();
  await choice(page).selectOption('1');
  await expect(page.getByTestId(TESTIDS.cores)).toHaveAttribute('data-working', '1');
  await expect.poll(() => page.workers().length).toBe(1);
});

test('a worker that dies is replaced, and no step is lost', async ({ page, play }) => {
  await play.open('?preset=tiny&max_iters=100000&cores=2');
  await together(page, play);
  await play.button('Train').click();
  const [, other] = page.workers();
  await other!.evaluate(() => {
    setTimeout(() => {
      throw new Error('unreachable executed');
    });
  });
  await expect(page.getByText(/Another worker is started .* No step was lost/)).toBeVisible();
  await expect(play.notice.getByRole('paragraph')).toHaveCount(0);
  const after = await play.steps();
  await play.reach(after + 50);
  await expect(page.getByTestId(TESTIDS.cores)).toHaveAttribute('data-working', '2');
});

test('images are trained on two cores', async ({ page, play }) => {
  await page.goto(`${play.site.url}images.html?preset=digits&cores=2`);
  await play.phase('paused');
  await together(page, play);
  await expect(page.getByText(/of the \d+ rows of every update/)).toBeVisible();
});
