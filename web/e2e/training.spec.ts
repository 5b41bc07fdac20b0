// Train, pause, step, reset.

import { TESTIDS } from '../src/testids';
import { expect, test } from './support/test';

test('training lowers the loss, and pausing stops it', async ({ page, play }) => {
  // Long enough that the run cannot end before it is paused.
  await play.open('?preset=tiny&max_iters=100000');
  await play.stepOnce();
  const before = Number(await play.loss.innerText());
  expect(before).toBeGreaterThan(3.5);
  const paused = await play.trainTo(100);
  expect(Number(await play.loss.innerText())).toBeLessThan(before - 0.5);
  await expect(page.getByTestId(TESTIDS.validation)).toHaveText(/^\d\.\d{3}$/);
  await expect(page.getByTestId(TESTIDS.speed)).toHaveText(/tokens\/s/);
  // Paused means that nothing is asked: the next step is the next number.
  await play.stepOnce();
  await play.at(paused + 1);
});

test('training ends at max_iters and can be extended', async ({ page, play }) => {
  await play.open('?preset=tiny&max_iters=20');
  await play.button('Train').click();
  await play.phase('done');
  await play.at(20);
  await page.getByText('Settings', { exact: true }).click();
  const setting = page.getByRole('textbox', { name: /max_iters/ });
  await setting.fill('25');
  await setting.blur();
  await play.button('Apply now').click();
  await play.phase('paused');
  await play.button('Train').click();
  await play.phase('done');
  await play.at(25);
});

test('reset starts over with the same random seed, and keeps the old run', async ({ play }) => {
  await play.open();
  await play.stepOnce(3);
  const first = await play.loss.innerText();
  await play.button('Reset').click();
  await play.at(0);
  await expect(play.kept).toContainText('step 3');
  await play.stepOnce(3);
  expect(await play.loss.innerText()).toBe(first);
});

test('another preset starts another run, and the old one can be taken up again', async ({
  page,
  play,
}) => {
  await play.open();
  await play.stepOnce(4);
  await page.getByRole('combobox', { name: 'Model' }).selectOption('page-tiny');
  await play.at(0);
  await expect(page).toHaveURL(/preset=page-tiny/);
  await play.stepOnce();
  await play.kept.getByRole('button', { name: 'Resume' }).click();
  await play.at(4);
  await play.tab('Train');
  await expect(page.getByRole('combobox', { name: 'Model' })).toHaveValue('tiny');
});

// On Windows and Linux an arrow key on a closed menu would start another run at once.
test('arrow keys open the menu of models, and Enter chooses', async ({ page, play }) => {
  await play.open('?preset=tiny&max_iters=100000');
  await play.stepOnce();
  await play.tab('Train');
  const menu = page.getByRole('combobox', { name: 'Model', exact: true });
  await menu.press('ArrowDown');
  await menu.press('Escape');
  await play.stepOnce();
  await play.at(2);
  await menu.press('ArrowDown');
  await menu.press('ArrowDown');
  await menu.press('Enter');
  await play.at(0);
  await expect(menu).toHaveValue('page-tiny');
});
