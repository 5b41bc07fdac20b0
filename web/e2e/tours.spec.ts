// The tours: every stop shows what it speaks of and does not cover it; the last one trains.

import type { Locator } from '@playwright/test';

import { TOUR as IMAGES } from '../src/rooms/images/tour';
import { TOUR as LANGUAGE } from '../src/rooms/language/tour';
import { TOUR as PUZZLES } from '../src/rooms/puzzles/tour';
import { TOUR as QUESTIONS } from '../src/rooms/questions/tour';
import { TESTIDS } from '../src/testids';
import { shippedDigits } from './support/images';
import { Puzzles, shippedSolver } from './support/solver';
import { expect, test } from './support/test';

/** Pixels from the beginning of a place to the tour below it. */
async function above(tour: Locator, place: Locator): Promise<number> {
  return ((await tour.boundingBox())?.y ?? 0) - ((await place.boundingBox())?.y ?? Infinity);
}

/**
 * Remembers whether steps or passes were played: then their button says “Stop”. Run before
 * the page's own code, so that nothing is missed, however short.
 */
const WATCH = `
  window.played = false;
  new MutationObserver(() => {
    const buttons = [...document.querySelectorAll('button')];
    window.played ||= buttons.some((button) => button.textContent.trim() === 'Stop');
  }).observe(document, { subtree: true, childList: true, characterData: true });
`;

const ROOMS = [
  { path: 'language.html?preset=tiny', stops: LANGUAGE, model: null },
  { path: 'puzzles.html', stops: PUZZLES, model: shippedSolver },
  { path: 'images.html', stops: IMAGES, model: shippedDigits },
] as const;

for (const { path, stops, model } of ROOMS) {
  test(`the tour of ${path} goes through every stop`, async ({ page, play, site, models }) => {
    if (model) await models.serve(model());
    await page.addInitScript(WATCH);
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
    // Motion is not welcome.
    expect(await page.evaluate('window.played')).toBe(false);
    await tour.getByRole('button', { name: 'Back' }).click();
    await page.keyboard.press('Escape');
    await expect(tour).toHaveCount(0);
  });
}

for (const reducedMotion of ['reduce', 'no-preference'] as const) {
  const welcome = reducedMotion === 'no-preference';
  test(`the tour of the puzzles shows the last step, played: ${welcome}`, async ({
    models,
    page,
    site,
  }) => {
    await models.serve(shippedSolver());
    await page.addInitScript(WATCH);
    await page.emulateMedia({ reducedMotion });
    const puzzles = new Puzzles(page, site);
    await puzzles.open();
    await page.getByRole('button', { name: 'Take the tour' }).click();
    const tour = page.getByRole('region', { name: 'Tour' });
    const played = PUZZLES.findIndex(({ step }) => step === 'play');
    for (const stop of PUZZLES.slice(0, played)) {
      await expect(tour.getByRole('heading')).toHaveText(stop.title);
      await tour.getByRole('button', { name: 'Next' }).click();
    }
    await expect(tour.getByRole('heading')).toHaveText(PUZZLES[played]!.title);
    await expect(puzzles.steps).toHaveAttribute('data-playing', 'false');
    const last = await page.getByRole('slider', { name: 'Supervision step' }).getAttribute('max');
    expect(Number(last)).toBeGreaterThan(1);
    await expect(puzzles.steps).toHaveAttribute('data-step', last!);
    expect(await page.evaluate('window.played')).toBe(welcome);
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
