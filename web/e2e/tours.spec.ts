// The tours: every stop shows what it speaks of and does not cover it; the last one trains.

import type { Locator } from '@playwright/test';

import { TOUR as IMAGES } from '../src/rooms/images/tour';
import { TOUR as LANGUAGE } from '../src/rooms/language/tour';
import { TOUR as PUZZLES } from '../src/rooms/puzzles/tour';
import { TOUR as QUESTIONS } from '../src/rooms/questions/tour';
import { TESTIDS } from '../src/testids';
import { shippedDigits } from './support/images';
import { shippedSolver } from './support/solver';
import { expect, test } from './support/test';

/** Pixels from the beginning of a place to the tour below it. */
async function above(tour: Locator, place: Locator): Promise<number> {
  return ((await tour.boundingBox())?.y ?? 0) - ((await place.boundingBox())?.y ?? Infinity);
}

const ROOMS = [
  { path: 'language.html?preset=tiny', stops: LANGUAGE, model: null },
  { path: 'puzzles.html', stops: PUZZLES, model: shippedSolver },
  { path: 'images.html', stops: IMAGES, model: shippedDigits },
] as const;

for (const { path, stops, model } of ROOMS) {
  test(`the tour of ${path} goes through every stop`, async ({ page, play, site, models }) => {
    if (model) await models.serve(model());
    await page.emulateMedia({ reducedMotion: 'reduce' });
    await page.goto(site.url + path);
    await play.phase(/paused|done/);
    await page.getByRole('button', { name: 'Take the tour' }).click();
    const tour = page.getByRole('region', { name: 'Tour' });
    for (const [i, stop] of stops.entries()) {
      await expect(tour.getByRole('heading')).toHaveText(stop.title);
      await expect(tour).toContainText(`${i + 1} of ${stops.length}`);
      const place = page.locator(`#${stop.place}`);
      await expect(place).toBeInViewport();
      await expect.poll(() => above(tour, place)).toBeGreaterThan(150);
      if (i + 1 < stops.length) await tour.getByRole('button', { name: 'Next' }).click();
    }
    await expect(page.getByTestId(TESTIDS.bar)).toContainText(/Step \d/);
    await page.getByRole('button', { name: 'Pause training' }).click();
    await tour.getByRole('button', { name: 'Back' }).click();
    await page.keyboard.press('Escape');
    await expect(tour).toHaveCount(0);
  });
}

test('the tour of the questions goes through every stop', async ({ page, site }) => {
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await page.goto(`${site.url}questions.html`);
  await page.getByRole('button', { name: 'Take the tour' }).click();
  const tour = page.getByRole('region', { name: 'Tour' });
  for (const [i, stop] of QUESTIONS.entries()) {
    await expect(tour.getByRole('heading')).toHaveText(stop.title);
    const place = page.locator(`#${stop.place}`);
    await expect(place).toBeInViewport();
    await expect.poll(() => above(tour, place)).toBeGreaterThan(150);
    if (i + 1 < QUESTIONS.length) await tour.getByRole('button', { name: 'Next' }).click();
  }
  await page.keyboard.press('Escape');
  await expect(tour).toHaveCount(0);
});
