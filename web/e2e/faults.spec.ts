// What visitors tripped over once.

import { TESTIDS } from '../src/testids';
import { Puzzles, shippedSolver } from './support/solver';
import { expect, test } from './support/test';

const LINK = '?kind=sudoku-4x4&puzzle=1.3..4.22.4..3.1';

test('the tabs open by click, by key and by address, and a bar follows what trains', async ({
  page,
  play,
}) => {
  await play.open('?preset=tiny&max_iters=100000#train');
  await expect(page.getByRole('tabpanel', { name: 'Train' })).toBeVisible();
  await play.button('Train').click();
  const bar = page.getByTestId(TESTIDS.bar);
  for (const tab of ['Explore', 'Library'] as const) {
    await play.tab(tab);
    await expect(bar).toContainText(/Step \d/);
    await expect(bar).toContainText(/Loss \d\.\d{3}/);
  }
  await bar.getByRole('button', { name: 'Pause training' }).click();
  await play.phase('paused');
  await expect(bar).toHaveCount(0);
  await page.getByRole('tab', { name: 'Library' }).press('ArrowRight');
  await expect(page.getByRole('tab', { name: 'Explore' })).toBeFocused();
  await expect(page.getByRole('tabpanel', { name: 'Explore' })).toBeVisible();

  // Back undoes a link to a tab, and the address says what has changed since.
  await page.evaluate(() => location.assign('#train'));
  await expect(page.getByRole('tabpanel', { name: 'Train' })).toBeVisible();
  await page.getByRole('slider', { name: 'Learning rate' }).fill('-2.5');
  await expect(page).toHaveURL(/learning_rate=0\.0032.*#train$/);
  await page.goBack();
  await expect(page.getByRole('tabpanel', { name: 'Explore' })).toBeVisible();
  await expect(page).toHaveURL(/learning_rate=0\.0032[^#]*$/);
  await page.goForward();
  await expect(page.getByRole('tabpanel', { name: 'Train' })).toBeVisible();

  await page.setViewportSize({ width: 1440, height: 900 });
  for (const tab of ['Explore', 'Train', 'Library'] as const) {
    await play.tab(tab);
    const height = await page.evaluate(() => document.documentElement.scrollHeight);
    expect(height, tab).toBeLessThan(2200);
  }
});

test('an address says what of it is out of range, sizes too large to count included', async ({
  play,
}) => {
  await play.open('?preset=tiny&depth=banana&hidden_size=100000&foo=1');
  await play.says('depth: “banana” is not a whole number from 1 to 8.');
  await play.says('“100000” is not a valid value for hidden_size (a whole number from 1 to 4,096).');
  await play.says('There is no setting “foo”.');
});

test('a number field keeps what is typed, marks what is wrong and says why', async ({
  page,
  play,
}) => {
  await play.open();
  const seed = page.getByRole('spinbutton', { name: 'Random seed' });
  await seed.fill('1e20');
  await expect(seed).toHaveValue('1e20');
  await expect(seed).toHaveAttribute('aria-invalid', 'true');
  await expect(page.getByText('“1e20” is not a whole number from 0 to 4,294,967,295.')).toBeVisible();
  await seed.fill('7');
  await expect(page).toHaveURL(/sample_seed=7/);
  await page.getByText('Settings', { exact: true }).click();
  await page.getByRole('textbox', { name: /n_layers/ }).fill('2.5');
  await page.getByRole('textbox', { name: /n_layers/ }).blur();
  await expect(page.getByText(/“2.5” is not a valid value for n_layers \(a whole number/)).toBeVisible();
  // A language model has no settings of puzzles.
  await page.getByText('Advanced settings').click();
  await expect(page.getByText(/num_puzzles|puzzle_emb|halt_/)).toHaveCount(0);
  await page.getByText('Raw configuration').click();
  const raw = page.getByRole('textbox', { name: /JSON/ });
  await raw.fill((await raw.inputValue()).replace(/"n_layers": \d+/, '"n_layers": 3'));
  await raw.blur();
  await expect(page.getByRole('textbox', { name: /n_layers/ })).toHaveValue('3');
  await raw.fill('{"model": {"wings": 2}}');
  await raw.blur();
  await expect(page.getByText('This model has no setting “wings” in “model”.')).toBeVisible();
});

test('what is said of a board goes with it', async ({ models, page, site }) => {
  await models.serve(shippedSolver());
  await page.emulateMedia({ reducedMotion: 'reduce' });
  const puzzles = new Puzzles(page, site);
  await puzzles.open(LINK);
  await puzzles.paste('11..............');
  await expect(page.getByText('Row 1 has two 1s.')).toBeVisible();
  await expect(page.getByRole('status').filter({ hasText: 'Loaded.' })).toBeVisible();
  await page.getByRole('button', { name: 'Clear' }).click();
  await expect(page.getByText('Row 1 has two 1s.')).toHaveCount(0);
  // A fault is said where the text is, too.
  await puzzles.paste('nonsense');
  await expect(page.getByRole('status').filter({ hasText: /./ }).last()).toBeVisible();
  await puzzles.cell(15).click();
  await page.getByRole('combobox', { name: 'Puzzle' }).selectOption('maze-10x10');
  await expect(page.getByTestId(TESTIDS.cell)).toContainText(/row \d+, column \d+/, { timeout: 90_000 });
  await page.getByRole('combobox', { name: 'Puzzle' }).selectOption('sudoku-4x4');
  await expect(page.getByTestId(TESTIDS.cell)).toContainText(/row [1-4], column [1-4]:/);
});

test('a picture and an empty file are called what they are, and a checkpoint keeps its name', async ({
  page,
  play,
}) => {
  await play.open();
  await play.drop('holiday.jpeg', Uint8Array.of(0xff, 0xd8, 0xff));
  await play.says('“holiday.jpeg” is a picture.');
  await play.drop('empty.txt', '');
  await play.says('is empty (0 bytes)');
  await play.stepOnce(2);
  const { bytes } = await play.download();
  await play.drop('my-bard.safetensors', bytes);
  await play.says('Checkpoint loaded at step 2.');
  await expect(page.getByTestId(TESTIDS.currentRun)).toContainText('my-bard, step 2');
  expect((await play.download()).name).toBe('trm-my-bard-2.safetensors');
});

test('a text of one’s own is learned by a small model, with the time it takes', async ({
  models,
  page,
  play,
}) => {
  await models.real();
  await play.open('?checkpoint=shakespeare-elastic');
  await page.getByRole('textbox', { name: /Paste at least/ }).fill('she sells sea shells. '.repeat(200));
  await expect(page.getByRole('combobox', { name: 'Size of the new model' })).toHaveValue('page-tiny');
  await expect(page.getByText(/about .+ until most words are readable/).first()).toBeVisible();
  await play.button('Train on this text').click();
  await expect(page).toHaveURL(/preset=page-tiny/);
  await play.reach(1);
});

test('a solve is passed on as an image and as an animation', async ({ context, models, page, site }) => {
  await models.serve(shippedSolver());
  await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: site.origin });
  await page.emulateMedia({ reducedMotion: 'reduce' });
  const puzzles = new Puzzles(page, site);
  await puzzles.open(LINK);
  await page.getByRole('button', { name: 'Copy as image' }).click();
  await expect(page.getByText('Copied.')).toBeVisible();
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Save as GIF' }).click(),
  ]);
  expect(download.suggestedFilename()).toBe('trm-sudoku-4x4.gif');
  const chunks: Buffer[] = [];
  for await (const chunk of await download.createReadStream()) chunks.push(chunk as Buffer);
  const file = Buffer.concat(chunks);
  expect(file.subarray(0, 6).toString()).toBe('GIF89a');
  // A graphic control extension for each of the eight steps.
  expect(file.toString('latin1').split('\x21\xf9\x04').length - 1).toBe(8);
});

test('words that the training text lacks are underlined, and counted by depth', async ({
  page,
  play,
}) => {
  await play.open();
  await play.texts();
  await expect(page.getByText(/% made-up words \(\d+ of \d+\)/).first()).toBeVisible();
});
