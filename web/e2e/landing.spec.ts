// The start page: two models at work without a click, and the way to the rooms.

import { TESTIDS } from '../src/testids';
import { expectNoViolation } from './support/axe';
import { expect, test } from './support/test';

test('a hard Sudoku is solved step by step, and a text is written', async ({
  page,
  site,
  models,
}) => {
  await models.real();
  await page.goto(site.url);
  const solving = page.getByTestId(TESTIDS.solving);
  await expect(solving).toHaveAttribute('data-playing', 'true');
  await expect(solving).toContainText('cells wrong');
  await expect(solving).toHaveAttribute('data-playing', 'false');
  // It ends two steps after the first that is right.
  await expect(solving).toHaveAttribute('data-step', '11');
  await expect(solving).toContainText('Solved after 9 supervision steps');
  const writing = page.getByTestId(TESTIDS.writing);
  await expect.poll(async () => (await writing.locator('pre').innerText()).length).toBeGreaterThan(20);
  await page.getByRole('slider', { name: 'Passes per character' }).fill('1');
  await expect(page.getByRole('img', { name: /state; once/ })).toBeVisible();
  await solving.getByRole('button', { name: 'Replay' }).click();
  await expect(solving).toHaveAttribute('data-playing', 'true');
  await solving.getByRole('link', { name: 'Solve your own puzzle' }).click();
  await expect(page).toHaveURL(/puzzles\.html\?kind=sudoku-9x9&puzzle=93/);
});

test('who wishes that little moves sees the end at once', async ({ page, site, models }) => {
  await models.real();
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await page.goto(site.url);
  await expect(page.getByTestId(TESTIDS.solving)).toHaveAttribute('data-step', '11');
  await expect(page.getByTestId(TESTIDS.writing)).toHaveAttribute('data-finished', 'true');
});

test('addresses of before the start page open the room that they mean', async ({ page, play, site }) => {
  await page.goto(`${site.url}?preset=tiny&prompt=KING#train`);
  await play.phase('paused');
  await expect(page).toHaveURL(/language\.html\?.*prompt=KING/);
  await page.goto(`${site.url}?fbclid=abc`);
  await expect(page.getByTestId(TESTIDS.solving)).toBeVisible();
});

test('a site without models says so and still leads on', async ({ page, site }) => {
  await page.goto(site.url);
  for (const id of [TESTIDS.solving, TESTIDS.writing]) {
    await expect(page.getByTestId(id)).toContainText('This site comes without the model for it.');
  }
  await expect(page.getByText('Loading the model')).toHaveCount(0);
  await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Text' }).click();
  await expect(page).toHaveURL(/language\.html/);
});

for (const width of [1440, 390, 320]) {
  test(`can be used by everybody at ${width} pixels`, async ({ page, site, models }) => {
    await models.real();
    // The first story watches the steps; here the last one counts.
    await page.emulateMedia({ reducedMotion: 'reduce' });
    await page.setViewportSize({ width, height: 844 });
    await page.goto(site.url);
    await expect(page.getByTestId(TESTIDS.solving)).toHaveAttribute('data-step', '11');
    await expectNoViolation(page);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width);
  });
}
