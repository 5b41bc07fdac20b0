// A phone: digits by touch, mazes by finger, nothing too small and nothing to the side.

import { TESTIDS } from '../src/testids';
import { OFTEN } from './support/often';
import { Puzzles, shippedSolver } from './support/solver';
import { expect, test } from './support/test';

const LINK = '?kind=sudoku-4x4&puzzle=1.3..4.22.4..3.1';

test.use({ viewport: { width: 390, height: 844 }, hasTouch: true });

test.beforeEach(({ models, page }) =>
  Promise.all([models.serve(shippedSolver()), page.emulateMedia({ reducedMotion: 'reduce' })]),
);

test('a Sudoku is typed without a keyboard, on one screen with Play', async ({ page, site }) => {
  const puzzles = new Puzzles(page, site);
  await puzzles.open(LINK);
  const pad = page.getByTestId(TESTIDS.digits);
  await expect(pad.getByRole('button', { name: '4' })).toBeDisabled();
  await puzzles.cell(1).tap();
  await pad.getByRole('button', { name: '2' }).tap();
  await expect(puzzles.cell(1)).toHaveAccessibleName('Row 1, column 2: 2, given');
  await pad.getByRole('button', { name: 'Erase' }).tap();
  await expect(puzzles.cell(1)).not.toHaveAccessibleName(/given/);
  // The board is as large as any: with the digits and Play it fits without scrolling.
  await page.evaluate(() => scrollTo(0, 0));
  for (const locator of [puzzles.board, pad, page.getByRole('button', { name: 'Play the steps' })]) {
    const box = await locator.boundingBox();
    expect((box?.y ?? 0) + (box?.height ?? 9999)).toBeLessThanOrEqual(844);
  }
});

test('a maze is drawn with a finger', async ({ page, site }) => {
  const puzzles = new Puzzles(page, site);
  await puzzles.open('?preset=maze-10x10&num_puzzles=10&num_val_puzzles=5');
  await page.getByRole('button', { name: 'Clear' }).click();
  await expect(puzzles.validity).toContainText('no start');
  await page.evaluate(() => scrollTo(0, 0));
  const [from, to] = [await puzzles.cell(20).boundingBox(), await puzzles.cell(25).boundingBox()];
  const client = await page.context().newCDPSession(page);
  const at = (box: typeof from, by: number) => ({
    x: (box?.x ?? 0) + (box?.width ?? 0) / 2 + by,
    y: (box?.y ?? 0) + (box?.height ?? 0) / 2,
  });
  const touch = (type: 'touchStart' | 'touchMove' | 'touchEnd', points: { x: number; y: number }[]) =>
    client.send('Input.dispatchTouchEvent', { type, touchPoints: points });
  await touch('touchStart', [at(from, 0)]);
  const width = at(to, 0).x - at(from, 0).x;
  for (let i = 1; i <= 20; i += 1) await touch('touchMove', [at(from, (width * i) / 20)]);
  await touch('touchEnd', []);
  for (const cell of [20, 21, 22, 23, 24, 25]) {
    await expect(puzzles.cell(cell)).toHaveAccessibleName(/wall, given/);
  }
});

/** Controls that are too small for a finger. Links within a sentence are none. */
function small(): string[] {
  const controls = document.querySelectorAll('button, a, input, select, summary, textarea');
  return [...controls].flatMap((control) => {
    if (control.closest('[hidden]') || control.classList.contains('hidden')) return [];
    if (control instanceof HTMLAnchorElement && control.closest('p, li')) return [];
    const box = control.matches('[type="checkbox"], [type="radio"]') ? control.closest('label') : null;
    const { width, height } = (box ?? control).getBoundingClientRect();
    if (width === 0 || (width >= 43.5 && height >= 43.5)) return [];
    return [`${control.outerHTML.slice(0, 80)}: ${Math.round(width)} × ${Math.round(height)}`];
  });
}

const wide = () => document.documentElement.scrollWidth;

const SPACING = `* {
  letter-spacing: 0.12em !important;
  word-spacing: 0.16em !important;
  line-height: 1.5 !important;
}`;

for (const room of ['language.html?preset=tiny', `puzzles.html${LINK}`, 'images.html?preset=digits']) {
  test(`nothing is too small or to the side: ${room}`, async ({ page, play, site }) => {
    await page.goto(site.url + room);
    await play.phase(/paused|done/);
    for (const tab of ['Explore', 'Train', 'Library'] as const) {
      await play.tab(tab);
      for (const summary of await page.locator('summary:visible').all()) await summary.click();
      for (const summary of await page.locator('summary:visible').all()) {
        if (!(await summary.evaluate((it) => (it.parentElement as HTMLDetailsElement).open))) {
          await summary.click();
        }
      }
      expect(await page.evaluate(small), tab).toEqual([]);
      // 720 is a window of 1440 pixels at a zoom of 200 %.
      for (const width of [720, 390, 320]) {
        await page.setViewportSize({ width, height: 844 });
        // Figures follow a width once they have observed it.
        await expect.poll(() => page.evaluate(wide), { ...OFTEN, message: tab }).toBe(width);
      }
      await page.setViewportSize({ width: 390, height: 844 });
    }
    // Nor with the spacing of WCAG 1.4.12.
    await page.addStyleTag({ content: SPACING });
    for (const tab of ['Explore', 'Train', 'Library'] as const) {
      await play.tab(tab);
      await expect.poll(() => page.evaluate(wide), { ...OFTEN, message: tab }).toBe(390);
    }
    // A message is in sight where the visitor has scrolled, and a long name in it is broken.
    await page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight));
    await play.drop(`${'x'.repeat(120)}.txt`, '');
    await play.says('is empty (0 bytes)');
    await expect(play.notice).toBeInViewport();
    await expect.poll(() => page.evaluate(wide), OFTEN).toBe(390);
  });
}
