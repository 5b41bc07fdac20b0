// Watching it think: what moves without a click, and what a visitor then moves.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { TESTIDS } from '../src/testids';
import { type Model, trainedModel } from './support/models';
import { expect, test } from './support/test';

let folder: string;
let model: Model;

test.beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'trm-'));
  model = trainedModel(folder, 60);
});

test.afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.beforeEach(async ({ models, play }) => {
  await models.serve(model);
  await play.open('');
});

test('without a click, text is written and the grid follows it', async ({ page, play }) => {
  const length = async () => (await play.watched.innerText()).length;
  const grid = page.getByTestId(TESTIDS.refinement).locator('canvas').first();
  await expect.poll(length).toBeGreaterThan(12);
  const [before, early] = [await grid.screenshot(), await length()];
  await expect.poll(length).toBeGreaterThan(early + 5);
  expect((await grid.screenshot()).equals(before)).toBe(false);
  await expect(page.getByText(/Each row is another pass/)).toBeVisible();
});

test('drawings are as sharp as the screen, also when that changes', async ({ page }) => {
  const grid = page.getByTestId(TESTIDS.refinement).locator('canvas').first();
  const ratio = () =>
    grid.evaluate((it) => (it as HTMLCanvasElement).width / it.clientWidth);
  await expect.poll(ratio).toBeCloseTo(1, 1);
  const client = await page.context().newCDPSession(page);
  // As zooming in does. Chromium 156.0.8078.114 tells a page nothing of a scale alone.
  const size = page.viewportSize()!;
  const zoom = 1.25;
  const cssPixels = (n: number) => Math.round(n / zoom);
  const seen = { width: cssPixels(size.width), height: cssPixels(size.height) };
  const screen = { ...seen, deviceScaleFactor: zoom, mobile: false };
  await client.send('Emulation.setDeviceMetricsOverride', screen);
  await expect.poll(ratio).toBeCloseTo(zoom, 1);
});

test('where little is to move, the text comes as fast as it can', async ({ page, play }) => {
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await play.open('');
  const began = Date.now();
  // It may have come before anybody looks.
  await expect.poll(async () => (await play.watched.innerText()).length).toBeGreaterThan(300);
  await expect(play.watched).toHaveAttribute('data-writing', 'false');
  // At the pace that is made for watching, its 320 tokens take half a minute.
  expect(Date.now() - began).toBeLessThan(20_000);
});

test('the depth slides from 1 to 8, and the grid has as many rows', async ({ page, play }) => {
  const depth = page.getByRole('slider', { name: 'Recursion depth', exact: true });
  await page.getByText('Grid as a table').click();
  const head = page.getByRole('columnheader', { name: /^pass/ });
  for (let cycles = 1; cycles <= 8; cycles += 1) {
    await depth.fill(String(cycles));
    await expect(head).toHaveCount(cycles);
  }
  await expect(page).toHaveURL(/depth=8/);
  await page.reload();
  await play.phase('done');
  await expect(depth).toHaveValue('8');
});

test('a cell tells its alternatives, by pointer and by keyboard', async ({ page }) => {
  await page.getByRole('slider', { name: 'Recursion depth', exact: true }).fill('4');
  const detail = page.getByTestId(TESTIDS.detail);
  await expect(detail).toContainText('pass 4');
  await expect(detail.getByRole('listitem')).toHaveCount(5);
  const grid = page.getByTestId(TESTIDS.refinement).locator('canvas').first();
  // The second row of the third column, on a wide screen.
  await grid.click({ position: { x: 66 + 2 * 37 + 18, y: 28 + 37 + 18 } });
  await expect(detail).toContainText('pass 2');
  const cycle = page.getByRole('slider', { name: 'Pass', exact: true });
  await expect(cycle).toHaveValue('2');
  await cycle.press('ArrowLeft');
  await expect(detail).toContainText('pass 1');
  await page.getByRole('button', { name: 'Jump to latest' }).click();
  await expect(detail).toContainText('pass 4');
  await page.getByRole('button', { name: 'Play the passes' }).click();
  await expect(detail).toContainText('pass 1');
  await expect(detail).toContainText('pass 4');
});

test('while it trains, the grid reads a fixed text, and what it reads changes', async ({
  page,
  play,
}) => {
  await play.open('?preset=tiny&max_iters=100000&probe=KING%3A');
  const fixed = page.getByRole('radio', { name: 'fixed text' });
  await expect(fixed).not.toBeChecked();
  await play.button('Train').click();
  await play.tab('Explore');
  await expect(fixed).toBeChecked();
  await expect(page.getByRole('textbox', { name: 'Fixed text' })).toHaveValue('KING:');
  await page.getByText('Grid as a table').click();
  const table = page.getByRole('region', { name: 'Grid as a table' });
  await expect(table.getByRole('rowheader')).toHaveText(['K', 'I', 'N', 'G', ':']);
  const before = await table.innerText();
  await expect(table).not.toHaveText(before, { useInnerText: true });
  await play.button('Pause').click();
});

test('attention is read out where it is looked at', async ({ page }) => {
  const attention = page.getByTestId(TESTIDS.attention);
  await attention.scrollIntoViewIfNeeded();
  const picture = attention.getByRole('img');
  await expect(picture).toHaveAttribute('aria-label', /1\.1: most at .*1\.2: most at/);
  await attention.getByRole('combobox').selectOption({ label: 'Block 1, head 2, all passes' });
  await expect(picture).toHaveAttribute('aria-label', /pass 1: most at .*pass 2: most at/);
});

test('the loss at every depth is measured in the tab', async ({ page }) => {
  const curve = page.getByTestId(TESTIDS.curve);
  await curve.scrollIntoViewIfNeeded();
  await expect(curve).toContainText(/Measured here on [\d,]+ characters/);
  const words = (await curve.getByRole('img').getAttribute('aria-label')) ?? '';
  const losses = [...words.matchAll(/depth \d: (\d\.\d+)/g)].map((match) => Number(match[1]));
  expect(losses).toHaveLength(8);
  // Sixty steps: better than guessing, and far from good.
  for (const loss of losses) expect(loss).toBeLessThan(4.174);
});

test('a link to try sets the controls and goes there', async ({ page, play }) => {
  await page.getByRole('link', { name: 'Compare 1 pass with 8' }).click();
  await expect(page).toHaveURL(/depths=1,8/);
  await expect(page.getByRole('heading', { name: 'Compare depths' })).toBeFocused();
  await expect(play.answers[0]).toBeInViewport();
  await expect(page.getByRole('slider', { name: 'Second depth' })).toHaveValue('8');
  await play.texts();
});
