// What the page says when something is missing, and what to do about it.

import { Puzzles, shippedSolver } from './support/solver';
import { expect, test } from './support/test';

test('without JavaScript the page says what it needs', async ({ browser, site }) => {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(site.text);
  await expect(page.getByRole('heading', { name: 'TRM Playground' })).toBeVisible();
  // Neither its text nor what is seen of it is asked of the page, which runs nothing.
  const advice = page.locator('#app noscript');
  expect(await advice.textContent()).toContain('needs JavaScript');
  expect((await advice.boundingBox())?.height).toBeGreaterThan(10);
  await context.close();
});

test('where the page\'s code does not come, it says so after a while', async ({ page, site }) => {
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.route('**/assets/language-*.js', (route) => route.abort());
  await page.goto(site.text);
  // Before that, it has the colours that the system asks for.
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
  await expect(page.getByText('could not be fetched')).toBeVisible();
});

test('the colours follow the system until the visitor chooses', async ({ page, site }) => {
  await page.emulateMedia({ colorScheme: 'light' });
  await page.goto(site.url);
  const html = page.locator('html');
  const change = page.getByRole('button', { name: /^Switch to/ });
  await expect(change).toHaveAccessibleName('Switch to dark theme');
  await page.emulateMedia({ colorScheme: 'dark' });
  await expect(html).toHaveAttribute('data-theme', 'dark');
  await expect(change).toHaveAccessibleName('Switch to light theme');
  await change.click();
  await expect(html).toHaveAttribute('data-theme', 'light');
  await page.emulateMedia({ colorScheme: 'light' });
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.reload();
  await expect(change).toHaveAccessibleName('Switch to dark theme');
  await expect(html).toHaveAttribute('data-theme', 'light');
});

test('where motion is not welcome, it says so no sooner', async ({ page, site }) => {
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await page.route('**/assets/language-*.js', (route) => route.abort());
  await page.goto(site.text);
  await expect(page.getByRole('heading', { name: 'TRM Playground' })).toBeVisible();
  const late = page.getByText('could not be fetched');
  expect(await late.isVisible()).toBe(false);
  await expect(late).toBeVisible();
});

const PART = 'A part of the page could not be fetched.';

test('where the code for ARC does not come, it says so, and another puzzle can be chosen', async ({
  models,
  page,
  site,
}) => {
  await models.serve(shippedSolver());
  await page.route('**/ArcStage*', (route) => route.abort());
  const puzzles = new Puzzles(page, site);
  await puzzles.open();
  const kinds = page.getByRole('combobox', { name: 'Puzzle', exact: true });
  await kinds.selectOption('ARC tasks');
  await expect(page.getByRole('alert').filter({ hasText: PART })).toBeVisible();
  await expect(kinds).toBeEnabled();
  await kinds.selectOption('Sudoku 4×4');
  await expect(puzzles.board).toBeVisible();
  await expect(page.getByText(PART)).toHaveCount(0);
});

test('where the code of the comparison or of the tour does not come, it says so', async ({
  page,
  play,
}) => {
  await page.route('**/assets/Comparison-*', (route) => route.abort());
  await page.route('**/assets/Tour-*', (route) => route.abort());
  await play.open();
  await play.tab('Train');
  const told = page.getByRole('alert').filter({ hasText: PART });
  await expect(told).toBeVisible();
  await play.tab('Explore');
  await expect(told).toHaveCount(0);
  await page.getByRole('button', { name: 'Take the tour' }).click();
  await expect(told).toBeVisible();
  await play.stepOnce();
});

test('where the trainer cannot be fetched, the page says so and offers to reload', async ({
  page,
  play,
  site,
}) => {
  await page.route('**/wasm/**', (route) => route.abort());
  await page.goto(site.text);
  await play.phase('broken');
  await play.says(/could not be fetched.*Check the connection and reload/);
  await expect(play.device).toHaveText('The engine could not be loaded.');
  await expect(page).toHaveTitle(/^Stopped/);
  await page.unroute('**/wasm/**');
  await play.button('Reload').click();
  await play.phase('paused');
  await expect(play.notice.getByRole('paragraph')).toHaveCount(0);
});

test('a browser without WebAssembly SIMD is told which ones have it', async ({
  page,
  play,
  site,
}) => {
  await page.route('**/wasm/cpu*/*.wasm', (route) =>
    // A module of version 2, which nobody can compile.
    route.fulfill({
      body: Buffer.from([0, 0x61, 0x73, 0x6d, 2, 0, 0, 0]),
      contentType: 'application/wasm',
    }),
  );
  await page.goto(site.text);
  await play.phase('broken');
  await play.says(/cannot run the engine.*It needs WebAssembly with SIMD/);
});

test('where there is relaxed SIMD its module is loaded, elsewhere the other', async ({
  page,
  play,
  site,
}) => {
  const modules: string[] = [];
  page.on('request', (request) => {
    if (request.url().endsWith('.wasm')) modules.push(request.url().replace(/.*wasm\/(?=[^/]*\/)/, ''));
  });
  await page.goto(site.text);
  await play.phase('paused');
  await page.route('**/assets/worker-*.js', async (route) => {
    const response = await route.fetch();
    const body = `WebAssembly.validate = () => false;\n${await response.text()}`;
    await route.fulfill({ response, body });
  });
  await page.reload();
  await play.phase('paused');
  expect(modules).toEqual(['cpu-relaxed/trm_wasm_bg.wasm', 'cpu/trm_wasm_bg.wasm']);
});

test('a page without models says so; a list that cannot be read too', async ({
  models,
  page,
  play,
}) => {
  const gallery = page.getByRole('region', { name: 'Pre-trained models' });
  await play.open();
  await play.tab('Library');
  await expect(gallery).toContainText('has no pre-trained models');
  await models.say('{ "checkpoints": 3');
  await page.reload();
  await play.phase('paused');
  await expect(gallery).toContainText('could not be read. Reload the page');
  await play.stepOnce();
});

test('a tab in the background says in its title how far training is', async ({ page, play }) => {
  await play.open('?preset=tiny&max_iters=300');
  await play.button('Train').click();
  await expect(page).toHaveTitle(/^Training, step \d+ of 300/);
  await play.phase('done');
  await expect(page).toHaveTitle(/^Trained, 300 steps/);
});
