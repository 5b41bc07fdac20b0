// Recursion depth: the same prompt and random seed at other depths.

import { TESTIDS } from '../src/testids';
import { expect, test } from './support/test';

const same = ([a, b]: [string, string]) => a === b;

test('equal depths write the same text, and moving one slider changes its text alone', async ({
  play,
}) => {
  await play.open('?preset=tiny&max_iters=100000&depths=2,3');
  await play.trainTo(20);
  // The change asks both sides anew, with the weights as they are now.
  await play.depth('Second', 2);
  await expect.poll(async () => same(await play.texts())).toBe(true);
  const [shallow] = await play.texts();

  await play.depth('Second', 4);
  await expect(play.answers[1]).not.toHaveText(shallow);
  // The first side is written first: when the second has changed, both are settled.
  const [first, deeper] = await play.texts();
  expect(first).toBe(shallow);
  expect(deeper).not.toBe(shallow);

  await play.depth('Second', 2);
  await expect(play.answers[1]).toHaveText(shallow);
});

test('a new seed writes another text, the old seed the old one', async ({ page, play }) => {
  await play.open('?preset=tiny&depths=1,2&sample_seed=5');
  const [, first] = await play.texts();
  await play.button('New sample').click();
  // Texts are written where they are seen, and the button is further up.
  await play.answers[1].scrollIntoViewIfNeeded();
  await expect(play.answers[1]).not.toHaveText(first);
  await page.getByRole('spinbutton', { name: 'Seed' }).fill('5');
  await play.answers[1].scrollIntoViewIfNeeded();
  await expect(play.answers[1]).toHaveText(first);
});

test('a character that the model does not know is named', async ({ page, play }) => {
  await play.open();
  const grid = page.getByTestId(TESTIDS.refinement);
  await expect(grid.getByText('Grid as a table')).toBeVisible();
  await page.getByRole('textbox', { name: 'Prompt' }).fill('ROMEO☃');
  await expect(page.getByText('☃').first()).toBeVisible();
  await expect(grid).toContainText('This grid is for the previous prompt.');
  await page.locator('#depths').scrollIntoViewIfNeeded();
  await expect(play.answers[0]).toHaveCount(0);
  await page.getByRole('textbox', { name: 'Prompt' }).fill('ROMEO');
  await play.texts();
  await expect(grid).not.toContainText('previous prompt');
});
