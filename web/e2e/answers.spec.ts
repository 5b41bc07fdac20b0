// Depth as a dial: the same question, the same luck, another depth.

import { expect, test } from './support/test';

test('equal depths write the same text, and moving one slider changes its text alone', async ({
  play,
}) => {
  await play.open('?preset=tiny&compare=2&depth=2');
  await play.trainTo(20);
  const [a, b] = await play.texts();
  expect(a).toBe(b);

  await play.depth('Second', 4);
  await expect(play.answers[1]).not.toHaveText(b);
  const [sameA, deeper] = await play.texts();
  expect(sameA).toBe(a);
  expect(deeper).not.toBe(b);

  await play.depth('Second', 2);
  await expect(play.answers[1]).toHaveText(a);
});

test('a new seed writes another text, the old seed the old one', async ({ page, play }) => {
  await play.open('?preset=tiny&depth=2&sample_seed=5');
  await play.stepOnce();
  const [, first] = await play.texts();
  await play.button('New sample').click();
  await expect(play.answers[1]).not.toHaveText(first);
  await page.getByRole('spinbutton', { name: 'Seed' }).fill('5');
  await expect(play.answers[1]).toHaveText(first);
});

test('a character that the model does not know is named', async ({ page, play }) => {
  await play.open();
  await page.getByRole('textbox', { name: 'Prompt' }).fill('ROMEO☃');
  await expect(page.getByText('☃').first()).toBeVisible();
  await expect(play.answers[0]).toHaveCount(0);
  await page.getByRole('textbox', { name: 'Prompt' }).fill('ROMEO');
  await play.texts();
});
