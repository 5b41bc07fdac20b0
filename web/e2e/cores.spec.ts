// Training on several cores: the same run, faster.

import { createHash } from 'node:crypto';

import type { Page } from '@playwright/test';

import { TESTIDS } from '../src/testids';
import type { Playground } from './support/playground';
import { expect, test } from './support/test';

/** Trains single steps until so many workers make them. */
async function together(page: Page, play: Playground, size = 2): Promise<void> {
  const cores = page.getByTestId(TESTIDS.cores);
  await expect
    .poll(async () => {
      await play.stepOnce();
      return cores.getAttribute('data-working');
    })
    .toBe(String(size));
}

/** The losses of a run that is done, and its weights. */
async function result(page: Page, play: Playground) {
  // The file comes after the last validation.
  const { bytes } = await play.download();
  const weights = bytes.subarray(8 + Number(bytes.readBigUInt64LE(0)));
  const validation = await page.getByTestId(TESTIDS.validation).innerText();
  const digest = createHash('sha256').update(weights).digest('hex');
  return { loss: await play.loss.innerText(), validation, weights: digest };
}

const choice = (page: Page) => page.getByRole('combobox', { name: 'Cores' });

test('two cores train with exactly the losses of one, over pauses and a reload', async ({
  page,
  play,
}) => {
  await play.open('?preset=tiny&max_iters=200&gradient_accumulation_steps=2&cores=2');
  await play.tab('Train');
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
  await play.at(200);
  const shared = await result(page, play);

  await choice(page).selectOption('1');
  await expect(page).toHaveURL(/cores=1/);
  await play.button('Reset').click();
  await play.at(0);
  await play.button('Train').click();
  await play.phase('done');
  expect(await result(page, play)).toEqual(shared);
});

test('four workers, each connected with every other, train with exactly the losses of one', async ({
  page,
  play,
}) => {
  await play.open('?preset=tiny&max_iters=80&gradient_accumulation_steps=4&cores=4');
  await together(page, play, 4);
  await play.button('Train').click();
  await play.phase('done');
  await expect(page.getByTestId(TESTIDS.cores)).toHaveAttribute('data-working', '4');
  const shared = await result(page, play);
  await choice(page).selectOption('1');
  await play.button('Reset').click();
  await play.at(0);
  await play.button('Train').click();
  await play.phase('done');
  expect(await result(page, play)).toEqual(shared);
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

test('puzzles are trained on two cores, and go on from a save with those under way', async ({
  page,
  play,
}) => {
  await page.goto(`${play.site.url}puzzles.html?preset=sudoku-4x4&num_puzzles=200&cores=2`);
  await page.getByRole('button', { name: 'Train', exact: true }).click();
  await expect(page.getByTestId(TESTIDS.cores)).toHaveAttribute('data-working', '2');
  await expect(page.getByText(/of the \d+ rows of every update/)).toBeVisible();
  await page.getByRole('button', { name: 'Pause', exact: true }).click();
  await play.phase('paused');
  const paused = await play.steps();
  await page.reload();
  await play.phase('paused');
  expect(await play.steps()).toBe(paused);
});
