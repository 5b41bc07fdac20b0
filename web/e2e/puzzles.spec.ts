// The puzzles page: a model solves puzzles that are generated, pasted, typed and drawn,
// stops early, and is trained from scratch.

import { type Model } from './support/models';
import { trainNatively } from './support/numbers';
import { withFolder } from './support/native';
import { OFTEN } from './support/often';
import { Puzzles, shippedSolver } from './support/solver';
import { expect, test as base } from './support/test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const test = base.extend<{ puzzles: Puzzles }>({
  puzzles: async ({ page, site }, use) => use(new Puzzles(page, site)),
});

/** One solution: 1234 3412 2143 4321. */
const PUZZLE = '1.3..4.22.4..3.1';
const SOLUTION = '1234341221434321';
const LINK = `?kind=sudoku-4x4&puzzle=${PUZZLE}`;

let model: Model;
test.beforeAll(() => {
  model = shippedSolver();
});
test.beforeEach(({ models }) => models.serve(model));

test('a visitor sees a puzzle being solved, step by step and without a click', async ({
  page,
  puzzles,
}) => {
  await puzzles.open();
  await expect(puzzles.steps).toHaveAttribute('data-playing', 'true');
  await expect(puzzles.steps).toHaveAttribute('data-step', '8');
  await puzzles.solved();
  await expect(puzzles.validity).toHaveAttribute('data-solutions', 'one');
  await expect(page).toHaveURL(/kind=sudoku-4x4&puzzle=[.1-4]{16}&checkpoint=sudoku-4x4$/);
  const before = page.url();
  await page.getByRole('button', { name: 'New puzzle' }).click();
  await expect(puzzles.steps).toHaveAttribute('data-playing', 'true');
  await expect(page).not.toHaveURL(before);
  await puzzles.solved();
});

test('who wishes that little moves sees the last step at once', async ({ page, puzzles }) => {
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await puzzles.open(LINK);
  await expect(puzzles.steps).toHaveAttribute('data-playing', 'false');
  await expect(puzzles.steps).toHaveAttribute('data-step', '8');
  for (const [at, digit] of [...SOLUTION].entries()) await expect(puzzles.cell(at)).toHaveText(digit);
  await puzzles.at(1);
  await expect(puzzles.answer).toContainText('Supervision step 1');
});

test('a link carries the puzzle and how it is looked at', async ({ page, puzzles }) => {
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await puzzles.open(`${LINK}&steps=3&threshold=0.9`);
  await expect(puzzles.steps).toHaveAttribute('data-step', '3');
  await expect(puzzles.halting).toContainText('Stop above 90 %');
  await expect(puzzles.cell(0)).toHaveAccessibleName('Row 1, column 1: 1, given');
  await page.getByRole('slider', { name: 'Threshold' }).fill('0.8');
  await expect(page).toHaveURL(/steps=3&threshold=0.8/);
});

test('the threshold tells where it would stop and what that saves', async ({ page, puzzles }) => {
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await puzzles.open(LINK);
  const threshold = page.getByRole('slider', { name: 'Threshold' });
  await threshold.fill('0.5');
  await expect(puzzles.halting).toContainText(/stop after step \d \(\d saved\); the board is solved then/);
  const early = Number(await puzzles.halting.getAttribute('data-stop'));
  expect(early).toBeLessThan(8);
  await threshold.fill('0.99');
  const late = Number(await puzzles.halting.getAttribute('data-stop'));
  expect(late).toBeGreaterThanOrEqual(early);
});

test('augmented copies are solved, and the chosen answer is on the board', async ({ page, puzzles }) => {
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await puzzles.open(LINK);
  // What is said while they are answered goes by quickly.
  const progress = await puzzles.copies.locator('[aria-live]').evaluateHandle((line) => {
    const said: string[] = [];
    const watching = new MutationObserver(() => said.push(line.textContent.trim()));
    watching.observe(line, { subtree: true, childList: true, characterData: true });
    return said;
  });
  await puzzles.copies.getByRole('button', { name: 'Solve 8 copies' }).click();
  await expect(puzzles.copies).toHaveAttribute('data-answered', '8');
  // Wrong answers are counted, too.
  expect(await progress.jsonValue()).toContain('7 of 8 copies answered.');
  const chosen = await puzzles.copies.getAttribute('data-chosen');
  const button = puzzles.copies.getByRole('button', { name: `Copy ${chosen}:` });
  await expect(button).toHaveAttribute('aria-pressed', 'true');
  await expect(button).toHaveAccessibleName(/halting probability \d+ %, solved, chosen/);
  await expect(puzzles.copies).toContainText('is chosen: its halting probability is the highest');
  // Whatever the copy, the answer is that of the puzzle on the board.
  await puzzles.solved();
  for (const [at, digit] of [...SOLUTION].entries()) await expect(puzzles.cell(at)).toHaveText(digit);
  for (const copy of [2, 5, 8]) {
    await puzzles.copies.getByRole('button', { name: `Copy ${copy}:` }).click();
    await puzzles.solved();
    await expect(puzzles.cell(0)).toHaveAccessibleName('Row 1, column 1: 1, given');
  }
  // They belong to this puzzle and these steps.
  await page.getByRole('button', { name: 'New puzzle' }).click();
  await expect(puzzles.copies).toHaveAttribute('data-answered', '0');
  await puzzles.solved();
});

test('a puzzle that cannot be is refused or said to be so, and nothing is lost', async ({
  page,
  puzzles,
}) => {
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await puzzles.open(LINK);
  for (const [text, why] of [
    ['123', /cells|characters|size/i],
    ['.'.repeat(81), /9×9 Sudoku, not a 4×4/],
    ['12x4............', /./],
  ] as const) {
    await puzzles.paste(text);
    await expect(puzzles.validity).toContainText('The previous puzzle is unchanged.');
    await expect(puzzles.validity).toContainText(why);
    await expect(puzzles.cell(15)).toHaveAccessibleName('Row 4, column 4: 1, given');
  }
  await puzzles.paste('11..............');
  await expect(puzzles.validity).toContainText('already break a rule');
  await expect(puzzles.validity).toHaveAttribute('data-solutions', 'none');
  await expect(page.getByText('Row 1 has two 1s.')).toBeVisible();
  await expect(puzzles.answer).toHaveAttribute('data-solved', 'false');
  await puzzles.paste('1...............');
  await expect(puzzles.validity).toContainText('several solutions');
  await page.getByRole('button', { name: 'Clear' }).click();
  await expect(puzzles.validity).toContainText('The board is empty');
  await puzzles.paste(PUZZLE);
  await puzzles.solved();
});

test('a pasted puzzle is said to be loaded when it is, until something changes', async ({
  page,
  puzzles,
}) => {
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await puzzles.open(LINK);
  await puzzles.paste('123');
  await expect(puzzles.validity).toContainText('The previous puzzle is unchanged.');
  await expect(page.getByText('Loaded.', { exact: true })).toHaveCount(0);
  await expect(page.getByRole('button', { name: 'Load puzzle' })).toBeInViewport();
  await puzzles.paste(PUZZLE);
  await expect(page.getByText('Loaded.', { exact: true })).toBeAttached();
  await puzzles.solved();
  await page.getByRole('button', { name: 'New puzzle' }).click();
  await expect(page.getByText('Loaded.', { exact: true })).toHaveCount(0);
});

test('a puzzle is typed with the keyboard', async ({ page, puzzles }) => {
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await puzzles.open(LINK);
  await page.getByRole('button', { name: 'Clear' }).click();
  await expect(puzzles.validity).toContainText('The board is empty');
  await puzzles.cell(0).focus();
  for (const [at, digit] of [...PUZZLE].entries()) {
    if (digit !== '.') await page.keyboard.press(digit);
    await page.keyboard.press(at % 4 === 3 ? 'ArrowDown' : 'ArrowRight');
    if (at % 4 === 3) await page.keyboard.press('Home');
  }
  await expect(page).toHaveURL(new RegExp(`puzzle=${PUZZLE.replaceAll('.', '\\.')}`));
  await puzzles.solved();
  await puzzles.cell(0).focus();
  await page.keyboard.press('Backspace');
  await expect(puzzles.cell(0)).toHaveAccessibleName(/Row 1, column 1: .*%/);
  await page.keyboard.press('ControlOrMeta+z');
  await expect(puzzles.cell(0)).toHaveAccessibleName('Row 1, column 1: 1, given');
  await page.getByRole('button', { name: 'Undo' }).click();
  await expect(puzzles.cell(15)).not.toHaveAccessibleName(/given/);
});

test('a maze is drawn with the pointer', async ({ page, puzzles }) => {
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await puzzles.open('?preset=maze-10x10&num_puzzles=10&num_val_puzzles=5');
  await page.getByRole('button', { name: 'Clear' }).click();
  await expect(puzzles.validity).toContainText('The maze has no start');
  await puzzles.cell(0).focus();
  await page.keyboard.press('s');
  await puzzles.cell(9).focus();
  await page.keyboard.press('g');
  await expect(puzzles.validity).toContainText('Any shortest path');
  await puzzles.cell(4).hover();
  await page.mouse.down();
  for (const at of [14, 24, 34, 44, 54, 64, 74, 84, 94]) await puzzles.cell(at).hover();
  await page.mouse.up();
  await expect(puzzles.validity).toContainText('impossible');
  await expect(puzzles.cell(54)).toHaveAccessibleName('Row 6, column 5: wall, given');
});

/**
 * The 4×4 with half the batch, half the supervision steps and larger updates: it solves the
 * held-out puzzles after 175 steps, of which each takes a third of the time. The preset
 * needs 350.
 */
const SOON = `?${new URLSearchParams({
  ...{ preset: 'sudoku-4x4', puzzle: PUZZLE, num_puzzles: '1000', batch_size: '32' },
  ...{ halt_max_steps: '4', learning_rate: '0.004', warmup_iters: '10', ema_decay: '0.9' },
})}`;

test('a model learns the 4×4 from nothing until it solves what it has not seen', async ({
  page,
  puzzles,
}) => {
  test.setTimeout(600_000);
  await puzzles.open(SOON);
  await page.getByRole('button', { name: 'Train', exact: true }).click();
  await puzzles.scores.scrollIntoViewIfNeeded();
  await expect
    .poll(async () => Number(await puzzles.scores.getAttribute('data-solved')), {
      timeout: 540_000,
      ...OFTEN,
    })
    .toBeGreaterThanOrEqual(0.9);
  // It pauses by itself where there is nothing left to learn, and says so.
  await expect(page.getByText(/It solves \d+ % of \d+ held-out puzzles after/)).toBeVisible({
    timeout: 300_000,
  });
  await expect(page.getByTestId('step')).toHaveAttribute('data-phase', 'paused');
  await expect(page.getByText(/Saved in this browser at/)).toBeAttached();
  await puzzles.solved();
  // It is there again, and goes on.
  const step = await page.getByTestId('step').getAttribute('data-step');
  await page.reload();
  await expect(page.getByTestId('step')).toHaveAttribute('data-step', step ?? '');
  await page.getByRole('button', { name: 'Train', exact: true }).click();
  await expect
    .poll(async () => Number(await page.getByTestId('step').getAttribute('data-step')), OFTEN)
    .toBeGreaterThan(Number(step));
});

test('a checkpoint of another family is offered its page, and opens there', async ({
  page,
  play,
  puzzles,
}) => {
  await withFolder(async (folder) => {
    const file = readFileSync(join(trainNatively(folder, 5), 'last.safetensors'));
    await puzzles.open(LINK);
    await play.drop('language.safetensors', file);
    await play.says('is a language model');
    await puzzles.at(2);
    await page.getByRole('link', { name: /Text page/ }).click();
    await play.at(5);
    await play.says('Checkpoint loaded at step 5.');
  });
  await play.drop('solver.safetensors', model.file);
  await play.says('is a puzzle solver');
  await page.getByRole('link', { name: /Puzzles page/ }).click();
  await expect(puzzles.answer).toBeVisible();
  await play.says(`Checkpoint loaded at step ${model.step}.`);
});

test('a damaged checkpoint is refused, and the model at hand stays', async ({
  page,
  play,
  puzzles,
}) => {
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await puzzles.open(LINK);
  await play.drop('half.safetensors', model.file.subarray(0, model.file.length / 2));
  await expect(play.notice.getByRole('paragraph')).toHaveCount(1);
  await play.drop('none.safetensors', 'no checkpoint');
  await expect(play.notice.getByRole('paragraph')).toHaveCount(1);
  await page.getByRole('button', { name: 'New puzzle' }).click();
  await puzzles.solved();
  await play.at(model.step);
});

test('a worker that is lost is replaced, and the puzzle is answered again', async ({
  page,
  play,
  puzzles,
}) => {
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await puzzles.open(LINK);
  const [worker] = page.workers();
  await worker?.evaluate(() => {
    setTimeout(() => {
      throw new Error('the device was lost');
    });
  });
  await page.getByRole('button', { name: 'New puzzle' }).click();
  await play.says('the device was lost');
  await puzzles.solved();
  await play.at(model.step);
});
