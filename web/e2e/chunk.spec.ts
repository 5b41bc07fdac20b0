// Models that draft chunks: what a visitor sees of a draft, and that such a model is
// trained, kept and opened like any other. And TRM-LM, which writes as all do.

import { TESTIDS } from '../src/testids';
import { expectNoViolation } from './support/axe';
import { metadata } from './support/playground';
import { expect, test } from './support/test';

const SMALL = 'hidden_size=16&num_heads=2&n_layers=1&batch_size=4&max_iters=100000';
const CHUNKS = `?preset=page-chunk&${SMALL}&block_size=32&prompt=ROMEO`;

test.describe('a model that drafts chunks', () => {
  test('has a column for each place and a row for each pass', async ({ page, play }) => {
    await play.open(CHUNKS);
    await play.stepOnce(3);
    const chunk = page.getByRole('region', { name: 'Next chunk', exact: true });
    await chunk.scrollIntoViewIfNeeded();
    await expect(chunk).toHaveAttribute('data-step', '3');
    const grid = chunk.getByRole('grid');
    // The first names the rows.
    await expect(grid.getByRole('columnheader')).toHaveCount(1 + 4);
    await expect(grid.getByRole('rowheader')).toHaveText([/^Pass\s+1$/, /^Pass\s+2$/]);
    await expect(grid.getByRole('gridcell')).toHaveCount(4 * 2);

    // Revising is refining the same chunk further: what was there stays.
    const before = await grid.getByRole('gridcell').allInnerTexts();
    const depth = chunk.getByRole('slider', { name: 'Recursion depth (next chunk)' });
    await depth.press('ArrowRight');
    await expect(grid.getByRole('gridcell')).toHaveCount(4 * 3);
    expect((await grid.getByRole('gridcell').allInnerTexts()).slice(0, 8)).toEqual(before);
    await expect(chunk.getByTestId(TESTIDS.revision)).toContainText(/^Pass 3 changed/);
    await depth.press('End');
    await expect(grid.getByRole('gridcell')).toHaveCount(4 * 8);
    await expect(page).toHaveURL(/depth=8/);
    await depth.press('Home');
    await expect(chunk.getByTestId(TESTIDS.revision)).toContainText('makes the first draft');
  });

  test('tells what could stand at a place, by pointer and by keyboard', async ({ page, play }) => {
    await play.open(`${CHUNKS}&depth=3`);
    const chunk = page.getByRole('region', { name: 'Next chunk', exact: true });
    await chunk.scrollIntoViewIfNeeded();
    const cell = (row: number, place: number) =>
      chunk.getByRole('gridcell', { name: `Pass ${row}, position ${place}:` });
    const listed = chunk.getByTestId(TESTIDS.contenders);
    await expect(chunk.getByRole('heading', { name: /at position 1,/ })).toBeVisible();
    await cell(1, 3).hover();
    await expect(chunk.getByRole('heading', { name: /at position 3,/ })).toBeVisible();
    await expect(listed.getByRole('columnheader')).toHaveText(['Token', '1', '2', '3']);
    await expect(listed.getByRole('row')).toHaveCount(1 + 6);
    // What the cell shows is listed, and no alternative was more probable.
    const [token = '', prob = ''] = (await cell(3, 3).innerText()).split(/\s*\n\s*/);
    const first = listed.getByRole('row').nth(1);
    await expect(first.getByRole('rowheader')).toHaveText(token);
    await expect(first.getByRole('cell').last()).toHaveText(prob);
    await chunk.getByRole('heading', { name: 'Next chunk' }).hover();
    await cell(3, 1).focus();
    await page.keyboard.press('End');
    await page.keyboard.press('ArrowUp');
    await expect(cell(2, 4)).toBeFocused();
    await expect(chunk.getByRole('heading', { name: /at position 4,/ })).toBeVisible();
  });

  test('goes on from a chunk that is taken, and back to the prompt', async ({ page, play }) => {
    await play.open(CHUNKS);
    const chunk = page.getByRole('region', { name: 'Next chunk', exact: true });
    await chunk.scrollIntoViewIfNeeded();
    const context = chunk.getByTestId(TESTIDS.context);
    const length = async () => [...((await context.textContent()) ?? '')].length;
    const take = chunk.getByRole('button', { name: 'Append chunk' });
    await expect(context).toHaveText('ROMEO');
    for (const taken of [4, 8, 12]) {
      await take.click();
      await expect.poll(length).toBe(5 + taken);
      // There is another one to take.
      await expect(take).toBeEnabled();
    }
    await chunk.getByRole('button', { name: 'Start over' }).click();
    await expect(context).toHaveText('ROMEO');
    await expect(chunk.getByRole('button', { name: 'Start over' })).toBeDisabled();

    await take.click();
    await expect.poll(length).toBe(9);
    // Another prompt has nothing taken, and it is the prompt of the whole page.
    await chunk.getByRole('textbox', { name: 'Prompt' }).fill('KING');
    await expect(context).toHaveText('KING');
    await expect(page.locator('#think').getByRole('textbox', { name: 'Prompt' })).toHaveValue('KING');
    await chunk.getByRole('textbox', { name: 'Prompt' }).fill('KING☃');
    await expect(chunk.getByRole('status')).toContainText('☃');
    await expect(take).toBeDisabled();
  });

  test('drafts anew while it trains, where that is seen', async ({ page, play }) => {
    await play.open(CHUNKS);
    const chunk = page.getByRole('region', { name: 'Next chunk', exact: true });
    await chunk.scrollIntoViewIfNeeded();
    await expect(chunk).toHaveAttribute('data-step', '0');
    await play.button('Train').click();
    await chunk.scrollIntoViewIfNeeded();
    const step = async () => Number(await chunk.getAttribute('data-step'));
    await expect.poll(step).toBeGreaterThan(0);
    const early = await step();
    await expect.poll(step).toBeGreaterThan(early);
    await play.button('Pause').click();
    await play.phase('paused');
    await expect(play.step).toHaveAttribute('data-stepping', 'false');
    // In the end the draft is of the weights as they are.
    await chunk.scrollIntoViewIfNeeded();
    await expect.poll(step).toBe(await play.steps());
  });

  test('is saved and opened again, and another model takes its place', async ({
    browser,
    play,
    site,
  }) => {
    await play.open(CHUNKS);
    const steps = await play.trainTo(5);
    const { name, bytes } = await play.download();
    expect(JSON.parse(metadata(bytes)['config'] ?? '')).toMatchObject({
      model: { variant: 'chunk_lm', chunk_size: 4 },
    });

    const context = await browser.newContext();
    const { Playground } = await import('./support/playground');
    const other = new Playground(await context.newPage(), site);
    await other.open('?preset=tiny');
    const chunk = other.page.getByRole('region', { name: 'Next chunk', exact: true });
    await expect(chunk).toHaveCount(0);
    await other.drop(name, bytes);
    await other.says(`Checkpoint loaded at step ${steps}`);
    await chunk.scrollIntoViewIfNeeded();
    await expect(chunk).toHaveAttribute('data-step', String(steps));
    await expect(chunk.getByRole('gridcell')).toHaveCount(4 * 2);
    await expect(other.page.getByRole('button', { name: 'Play the passes' })).toBeVisible();
    // A reload goes on with it: its address names a preset of the same kind of model.
    await expect(other.page.getByText(/Saved in this browser at/)).toBeAttached();
    await other.page.reload();
    await other.at(steps);
    await expect(other.notice.getByRole('paragraph')).toHaveCount(0);
    await chunk.scrollIntoViewIfNeeded();
    await expect(chunk).toHaveAttribute('data-step', String(steps));
    await other.stepOnce();
    await chunk.scrollIntoViewIfNeeded();
    await expect(chunk).toHaveAttribute('data-step', String(steps + 1));
    await context.close();
  });

  test('axe-core finds nothing wrong with its draft', async ({ page, play }) => {
    await play.open(`${CHUNKS}&depth=4`);
    await play.stepOnce(3);
    const chunk = page.getByRole('region', { name: 'Next chunk', exact: true });
    await chunk.scrollIntoViewIfNeeded();
    await chunk.getByRole('button', { name: 'Append chunk' }).click();
    await chunk.getByRole('gridcell').last().focus();
    for (const colours of ['light', 'dark'] as const) {
      const change = play.button(`Switch to ${colours} theme`);
      if (await change.isVisible()) await change.click();
      for (const width of [1440, 390]) {
        await page.setViewportSize({ width, height: 900 });
        await expectNoViolation(page, `${colours}, ${width} wide`);
        // Nothing sticks out of the page.
        const wide = await page.evaluate(() => document.documentElement.scrollWidth);
        expect(wide, `${colours}, ${width} wide`).toBeLessThanOrEqual(width);
      }
    }
  });
});

test('TRM-LM trains and writes where language models do', async ({ page, play }) => {
  await play.open(`?preset=shakespeare-trm-lm&${SMALL}&block_size=32&recursion_steps=2&l_cycles=1`);
  await play.stepOnce(3);
  await expect(play.loss).toHaveText(/\d\.\d/);
  const [first, second] = await play.texts();
  expect(first.length).toBeGreaterThan(100);
  expect(second.length).toBeGreaterThan(100);
  // It writes one token after the other, so there is no chunk to look at.
  await expect(page.getByRole('region', { name: 'Next chunk', exact: true })).toHaveCount(0);
});
