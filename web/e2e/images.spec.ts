// The Images page: digits are drawn, taken from the data set and from pictures; every
// outer step is watched; accuracy is measured, and a model is trained from scratch.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Locator } from '@playwright/test';

import { Images, STROKES, shippedDigits } from './support/images';
import { withFolder } from './support/native';
import { trainNatively } from './support/numbers';
import { expect, test as base } from './support/test';

const test = base.extend<{ images: Images }>({
  images: async ({ page, site }, use) => use(new Images(page, site)),
});

const model = shippedDigits();
test.beforeEach(async ({ models, page }) => {
  await models.serve(model);
  await page.emulateMedia({ reducedMotion: 'reduce' });
});

test('a visitor draws a digit, and the model recognises it', async ({ page, images }) => {
  await images.open();
  await expect(page).toHaveURL(/image=1&checkpoint=digits$/);
  for (const digit of [0, 1, 7] as const) {
    if (digit > 0) await images.press('Clear');
    await images.draw(STROKES[digit]);
    await images.says(digit);
  }
  await images.linked();
  await expect(page).toHaveURL(/drawing=[\w-]{171}&checkpoint=digits$/);
  // The link carries the drawing.
  await page.reload();
  await images.says(7);
  await images.press('Clear');
  await expect(images.answer).toContainText('nothing to classify');
  await images.press('Undo');
  await images.says(7);
});

test('a digit is drawn where a browser lists no coalesced moves', async ({ page, images }) => {
  // As Safari before 18.2, and as every browser on a page without HTTPS.
  await page.addInitScript('delete PointerEvent.prototype.getCoalescedEvents');
  await images.open();
  await images.draw(STROKES[7]);
  await images.says(7);
});

test('the keyboard draws on from where it can be seen, also after a click', async ({
  page,
  images,
}) => {
  await images.open();
  await images.draw(STROKES[1]);
  // A click shows no cursor, the first key does.
  await expect(page.getByText(/^Row \d+, column \d+/)).toHaveCount(0);
  await page.keyboard.press('ArrowRight');
  await expect(page.getByText('Row 9, column 10: empty')).toBeAttached();
});

test('a digit is drawn with the keyboard', async ({ page, images }) => {
  await images.open();
  await images.pad.focus();
  // To the middle of the upper edge, then down with the pen lowered.
  for (const key of ['Right', 'Right', 'Up']) await page.keyboard.press(`Shift+Arrow${key}`);
  await expect(page.getByText('Row 5, column 17: empty')).toBeAttached();
  await page.keyboard.press('Enter');
  await expect(page.getByText('Row 5, column 17: ink, pen down')).toBeAttached();
  for (let i = 0; i < 6; i += 1) await page.keyboard.press('Shift+ArrowDown');
  await images.says(1);
  await page.keyboard.press('Enter');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Delete');
  await expect(images.answer).toContainText('nothing to classify');
  await page.keyboard.press('Space');
  await expect(page.getByText(/column 18: ink$/)).toBeAttached();
  await page.keyboard.press('Space');
  await expect(page.getByText(/column 18: empty$/)).toBeAttached();
  await page.keyboard.press('Control+z');
  await expect(page.getByText(/column 18: ink$/)).toBeAttached();
});

test('images of the data set are looked through', async ({ page, images }) => {
  await images.open();
  const group = page.getByRole('group', { name: 'Images of the data set' });
  await expect(group.getByRole('heading', { name: 'Test images' })).toBeVisible();
  const place = group.getByText(/^\d+ of \d+$/);
  await expect(place).toHaveText(/^1 of \d+$/);
  const count = Number(/of (\d+)/.exec(await place.innerText())?.[1]);
  expect(count).toBeGreaterThan(300);
  await images.press('Next');
  await expect(place).toHaveText(`2 of ${count}`);
  await expect(page).toHaveURL(/image=2&/);
  await images.press('Previous');
  await images.press('Previous');
  await expect(place).toHaveText(`${count} of ${count}`);
  await expect(images.picture).toHaveAttribute('data-label', /\d/);
  await images.press('Random');
  await expect(page).toHaveURL(/image=\d+&/);
  // A drawing is none of them.
  await images.draw(STROKES[1]);
  await expect(place).toHaveCount(0);
});

test('what is drawn is announced when the pen is lifted, and not before', async ({
  page,
  images,
}) => {
  await images.open();
  const said = page.getByRole('status').filter({ hasText: 'After outer step' });
  await images.draw(STROKES[7]);
  await images.says(7);
  await expect(said).toContainText(': 7 (');
  // The pen stays down, and what is drawn is no 7 any more.
  await images.press('Clear');
  await expect(said).toHaveCount(0);
  await images.draw(STROKES[0], false);
  await images.says(0);
  await page.waitForTimeout(1500);
  await expect(said).toHaveCount(0);
  await page.mouse.up();
  await expect(said).toContainText(': 0 (');
});

test('every outer step is shown, and more of them can be run', async ({ page, images }) => {
  await images.open('?image=3');
  await expect(images.columns).toHaveCount(3);
  await images.step(1);
  await expect(images.answer).toContainText('After outer step 1 of 3');
  await expect(page).toHaveURL(/at=1/);
  await images.columns.nth(1).click();
  await expect(images.steps).toHaveAttribute('data-step', '2');
  await page.getByRole('slider', { name: 'Outer steps', exact: true }).fill('12');
  await expect(images.columns).toHaveCount(12);
  await page.getByRole('slider', { name: 'Inner steps', exact: true }).fill('5');
  await expect(page).toHaveURL(/inner=5&outer=12/);
  await page.reload();
  await expect(images.columns).toHaveCount(12);
  await images.press('As trained');
  await expect(images.columns).toHaveCount(3);
  // Nothing covers the image until that is asked for.
  const strongest = page.getByText(/most in row \d, column \d/);
  await expect(strongest).toHaveCount(0);
  await page.getByRole('radio', { name: 'State change' }).check({ force: true });
  await expect(strongest).toBeVisible();
  await expect(page).toHaveURL(/overlay=moved/);
  await page.getByRole('radio', { name: 'None' }).check({ force: true });
  await expect(page).not.toHaveURL(/overlay/);
});

test('in a contrast theme the selected step and the bars are seen', async ({ page, images }) => {
  await page.emulateMedia({ forcedColors: 'active' });
  await images.open('?image=3');
  const ground = (place: Locator) =>
    place.evaluate((element) => getComputedStyle(element).backgroundColor);
  const [first, last] = [images.columns.first(), images.columns.last()];
  expect(await ground(last)).not.toBe(await ground(first));
  expect(await ground(first.locator('i').first())).not.toBe(await ground(first));
  expect(await ground(last.locator('i').first())).not.toBe(await ground(last));
});

test('the steps are played where motion is welcome', async ({ page, images }) => {
  await page.emulateMedia({ reducedMotion: 'no-preference' });
  await images.open();
  await expect(images.steps).toHaveAttribute('data-playing', 'true');
  await expect(images.steps).toHaveAttribute('data-step', '3');
  await expect(images.steps).toHaveAttribute('data-playing', 'false');
});

test('accuracy is measured, and a confusion leads to its images and to the stage', async ({
  page,
  images,
}) => {
  await images.open();
  await images.press('Measure');
  await expect(images.measured).toHaveAttribute('data-steps', '6');
  await expect(images.measured).toHaveAttribute('data-busy', 'false');
  const accuracy = Number(await images.measured.getAttribute('data-accuracy'));
  expect(accuracy).toBeGreaterThan(0.9);
  const cell = images.measured.getByRole('button', { name: /taken for/ }).first();
  const words = (await cell.getAttribute('aria-label')) ?? '';
  const [, label = '', predicted] = /^(\d) taken for (\d)/.exec(words) ?? [];
  await cell.press('Enter');
  await expect(images.wrong.getByRole('heading')).toHaveText(`${label} taken for ${predicted}`);
  await images.wrong.getByRole('button').first().click();
  await expect(images.picture).toHaveAttribute('data-label', label);
  await images.says(Number(predicted));
  await expect(images.answer).toContainText(`the correct class is ${label}`);
  await expect(page).toHaveURL(/image=\d+&/);
  await expect(images.answer).toBeInViewport();
});

test('the steps of training are on the axis, also where fewer were measured', async ({
  images,
}) => {
  await images.open('?outer=1');
  await images.press('Measure');
  await expect(images.measured).toHaveAttribute('data-steps', '2');
  const chart = images.measured.locator('figure svg').first();
  const width = Number(await chart.getAttribute('width'));
  const dashed = Number(await chart.locator('line').last().getAttribute('x1'));
  expect(dashed).toBeGreaterThan(0);
  expect(dashed).toBeLessThanOrEqual(width);
});

/** A black ring on white paper, as the bytes of a file. */
function ring({ page }: Images): Promise<number[]> {
  return page.evaluate(async () => {
    const canvas = new OffscreenCanvas(900, 900);
    const ctx = canvas.getContext('2d')!;
    ctx.fillStyle = '#fff';
    ctx.fillRect(0, 0, 900, 900);
    ctx.lineWidth = 110;
    ctx.beginPath();
    ctx.ellipse(450, 450, 230, 360, 0, 0, 2 * Math.PI);
    ctx.stroke();
    const blob = await canvas.convertToBlob({ type: 'image/png' });
    return [...new Uint8Array(await blob.arrayBuffer())];
  });
}

test('a picture is dropped, and other files are refused', async ({ page, play, images }) => {
  await images.open();
  const picture = Uint8Array.from(await ring(images));
  await play.drop('zero.png', picture);
  await expect(images.picture).toHaveAccessibleName(/zero.png.*colours inverted/);
  await images.says(0);
  await page.getByRole('checkbox', { name: 'Invert colours' }).uncheck();
  await expect(images.picture).toHaveAccessibleName(/zero.png” in 8×8 pixels\.$/);
  await play.drop('notes.txt', 'these are words');
  await play.says('“notes.txt” is neither a picture nor a checkpoint (.safetensors).');
  await play.drop('photo.heic', 'no browser reads this');
  await play.says('cannot decode “photo.heic”');
  await expect(images.picture).toHaveAccessibleName(/zero.png/);
  await page.getByLabel('Choose a picture').setInputFiles({
    name: 'again.png',
    mimeType: 'image/png',
    buffer: Buffer.from(picture),
  });
  await expect(images.picture).toHaveAccessibleName(/again.png/);
});

test('a model learns the digits from nothing, is kept, and goes on', async ({
  page,
  play,
  images,
}) => {
  test.setTimeout(600_000);
  await images.open('?preset=digits');
  await images.press('Step');
  await play.at(1);
  await images.press('Train');
  await expect
    .poll(() => images.accurate(), { timeout: 540_000, intervals: [500] })
    .toBeGreaterThanOrEqual(0.9);
  await images.press('Pause');
  await play.phase('paused');
  await expect(play.step).toHaveAttribute('data-stepping', 'false');
  await expect(page.getByText(/Saved in this browser at/)).toBeAttached();
  await images.draw(STROKES[0]);
  await images.says(0);
  const steps = await play.steps();
  const accuracy = await images.accurate();
  await page.reload();
  await play.at(steps);
  expect(await images.accurate()).toBe(accuracy);
  const { name, bytes } = await play.download();
  expect(name).toBe(`trm-digits-${steps}.safetensors`);
  await images.press('Train');
  await play.reach(steps + 1);
  await images.press('Pause');
  await play.phase('paused');
  await play.drop(name, bytes);
  await play.says(`Checkpoint loaded at step ${steps}.`);
});

test('a checkpoint of another family is offered its page, and opens there', async ({
  page,
  play,
  images,
}) => {
  await withFolder(async (folder) => {
    const file = readFileSync(join(trainNatively(folder, 5), 'last.safetensors'));
    await images.open();
    await play.drop('language.safetensors', file);
    await play.says('is a language model');
    await page.getByRole('link', { name: /Text page/ }).click();
    await play.at(5);
    await play.says('Checkpoint loaded at step 5.');
  });
  await play.drop('digits.safetensors', model.file);
  await play.says('is an image classifier');
  await page.getByRole('link', { name: /Images page/ }).click();
  await expect(images.answer).toHaveAttribute('data-top', /\d/);
  await play.says(`Checkpoint loaded at step ${model.step}.`);
});

test('an address with an image that is not there says so, and others are shown', async ({
  page,
  images,
}) => {
  await page.goto(`${images.site.url}images.html?image=99999`);
  await expect(images.answer).toContainText(/no image 9999[89]/);
  await images.press('Random');
  await expect(images.answer).toHaveAttribute('data-top', /\d/);
});

test.describe('on a phone', () => {
  test.use({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });

  test('everything has its place, and a finger draws', async ({ page, images }) => {
    await images.open('?outer=12');
    await expect(images.columns).toHaveCount(12);
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    expect(width).toBe(390);
    await images.press('As trained');
    await expect(images.columns).toHaveCount(3);
    await images.pad.scrollIntoViewIfNeeded();
    const box = (await images.pad.boundingBox())!;
    const touch = await page.context().newCDPSession(page);
    const at = (y: number) => ({ x: box.x + box.width / 2, y: box.y + y * box.height });
    const send = (
      type: 'touchStart' | 'touchMove' | 'touchEnd',
      touchPoints: { x: number; y: number }[],
    ) => touch.send('Input.dispatchTouchEvent', { type, touchPoints });
    await send('touchStart', [at(0.15)]);
    for (const y of [0.3, 0.45, 0.6, 0.75, 0.85]) await send('touchMove', [at(y)]);
    await send('touchEnd', []);
    await images.says(1);
    await expect(images.answer).toBeInViewport();
  });

  test('the counts of a confusion fit into their cells', async ({ images }) => {
    await images.open();
    await images.press('Measure');
    const count = images.measured.getByRole('button', { name: /taken for/ }).first();
    await expect(count).toBeVisible();
    const [button, cell] = await count.evaluate((it) =>
      [it, it.closest('td')!].map((each) => each.getBoundingClientRect().width),
    );
    expect(button).toBeGreaterThan(0);
    expect(button).toBeLessThanOrEqual(cell! + 0.5);
  });

  test('a second finger draws nothing', async ({ page, images }) => {
    await images.open();
    await images.pad.scrollIntoViewIfNeeded();
    const box = (await images.pad.boundingBox())!;
    const touch = await page.context().newCDPSession(page);
    const at = (x: number, y: number, id: number) =>
      ({ x: box.x + x * box.width, y: box.y + y * box.height, id }) as const;
    const send = (
      type: 'touchStart' | 'touchMove' | 'touchEnd',
      touchPoints: { x: number; y: number; id: number }[],
    ) => touch.send('Input.dispatchTouchEvent', { type, touchPoints });
    const first = at(0.2, 0.2, 0);
    await send('touchStart', [first]);
    await expect(page.getByText('Draw here')).toHaveCount(0);
    const dot = await images.pad.getAttribute('data-drawing');
    await send('touchStart', [first, at(0.8, 0.8, 1)]);
    await send('touchMove', [first, at(0.8, 0.5, 1)]);
    await expect(images.pad).toHaveAttribute('data-drawing', dot ?? '');
    // The first one goes on.
    await send('touchMove', [at(0.2, 0.6, 0), at(0.8, 0.5, 1)]);
    await expect(images.pad).not.toHaveAttribute('data-drawing', dot ?? '');
    await send('touchEnd', []);
  });
});
