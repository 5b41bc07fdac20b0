// Whether everybody can use the page: what axe-core finds, wide and narrow,
// light and dark, with everything unfolded.

import { TESTIDS } from '../src/testids';
import { ArcPage, SMALL } from './support/arc';
import { COLOURS, expectNoViolation } from './support/axe';
import { Images, STROKES, shippedDigits } from './support/images';
import { trainedModel } from './support/models';
import { withFolder } from './support/native';
import { Puzzles, shippedSolver } from './support/solver';
import type { Playground } from './support/playground';
import { expect, test } from './support/test';

const SIZES = [
  { width: 1440, height: 900 },
  { width: 390, height: 844 },
];

// Every tab, two sizes and two colours of every state take their time. The slowest file is
// the one that both workers share.
test.describe.configure({ mode: 'parallel' });
test.beforeEach(() => test.slow());

/** `every`: whether every tab is as no state before had it, or only the open one. */
async function everySize(play: Playground, state: string, every = true): Promise<void> {
  const { page } = play;
  for (const colours of ['light', 'dark'] as const) {
    const change = play.button(`Switch to ${colours} theme`);
    if (await change.isVisible()) await change.click();
    for (const size of SIZES) {
      await page.setViewportSize(size);
      const tabs = page.getByRole('tab');
      const open = page.getByRole('tab', { selected: true });
      const before = (await tabs.count()) > 0 ? await open.textContent() : null;
      // Every tab and rule in one of the colours; in the other the tab that is open, and
      // what depends on colours: everything else is the same.
      const dark = colours === 'dark';
      const names = dark && every ? await tabs.allTextContents() : [before ?? ''];
      for (const name of names.length > 0 ? names : ['']) {
        if (name) await page.getByRole('tab', { name }).click();
        const where = `${state}, ${name}, ${colours}, ${size.width} wide`;
        await expectNoViolation(page, where, dark ? undefined : COLOURS);
      }
      if (before) await page.getByRole('tab', { name: before }).click();
    }
  }
}

test('axe-core finds nothing wrong with a run', async ({ page, play }) => {
  await play.open();
  await play.trainTo(20);
  await play.texts();
  await page.getByText('Settings', { exact: true }).click();
  await page.getByText('Advanced settings').click();
  await page.getByText('Raw configuration').click();
  await page.getByTestId(TESTIDS.refinement).getByRole('button').first().click();
  await play.drop('empty.txt', '');
  await play.says(/empty/i);
  await everySize(play, 'a run');
});

test('axe-core finds nothing wrong with a run and its experiments', async ({ page, play }) => {
  await play.open('?preset=tiny&max_iters=100000&duel=tiny&duel_steps=40');
  await play.stepOnce(2);
  await page.getByRole('slider', { name: 'Learning rate' }).fill('-2');
  await expect(page.getByTestId(TESTIDS.changes).getByRole('button')).toHaveCount(1);
  await page.getByText('Settings', { exact: true }).click();
  await page.getByText('Advanced settings').click();
  await page.getByText('Raw configuration').click();
  await page.getByRole('textbox', { name: /n_layers new run/ }).fill('2');
  await page.getByRole('textbox', { name: /n_layers new run/ }).blur();
  await play.button('Start a new run').click();
  await expect(page.getByTestId(TESTIDS.pastRuns)).toContainText('n_layers 1');
  await play.stepOnce();
  await page.getByRole('slider', { name: 'Learning rate' }).fill('-3');
  const comparison = page.getByTestId(TESTIDS.comparison);
  await play.button('Train both').click();
  await expect(comparison).toHaveAttribute('data-phase', 'done');
  await page.getByTestId(TESTIDS.changes).getByRole('button').focus();
  await everySize(play, 'the experiments');
  await comparison.getByRole('textbox', { name: 'Any other setting' }).first().fill('batch_size=3');
  await comparison.getByRole('textbox', { name: 'Any other setting' }).first().blur();
  await expect(comparison.getByRole('alert')).toBeVisible();
  // The other tabs know nothing of it.
  await everySize(play, 'a comparison that is refused', false);
});

test('axe-core finds nothing wrong with the leak demonstration', async ({ page, play, site }) => {
  await page.goto(`${site.url}leak.html`);
  await play.button('Train the leaky model').click();
  await expect(page.getByTestId(TESTIDS.leak)).toHaveAttribute('data-scored', /^\d+$/);
  await play.button('Stop').click();
  await everySize(play, 'the leak');
});

test('axe-core finds nothing wrong with a model that was just opened', async ({
  models,
  page,
  play,
}) => {
  await withFolder(async (folder) => {
    await models.serve(trainedModel(folder, 20));
    await play.open('');
    await play.texts();
    await page.getByText('Training command').click();
    await everySize(play, 'an opened model');
  });
});

test('axe-core finds nothing wrong with the Puzzles page', async ({ models, page, play, site }) => {
  await models.serve(shippedSolver());
  await page.emulateMedia({ reducedMotion: 'reduce' });
  const puzzles = new Puzzles(page, site);
  await puzzles.open('?kind=sudoku-4x4&puzzle=1.3..4.22.4..3.1');
  await page.getByText('Settings', { exact: true }).click();
  await page.getByText('Advanced settings').click();
  await page.getByText('Raw configuration').click();
  await puzzles.at(1);
  await everySize(play, 'a solved puzzle');
  await puzzles.paste('11..............');
  await expect(puzzles.validity).toContainText('impossible');
  await puzzles.paste('too short');
  await expect(puzzles.validity).toContainText('unchanged');
  await page.getByRole('button', { name: 'Train from scratch' }).click();
  await play.reach(20);
  await page.getByRole('button', { name: 'Pause', exact: true }).click();
  await play.phase('paused');
  await everySize(play, 'what is wrong, and a model that learns');
  await page.getByRole('button', { name: 'Clear' }).click();
  await page.getByRole('combobox', { name: 'Puzzle' }).selectOption('maze-10x10');
  await expect(puzzles.validity).toContainText('shortest path', { timeout: 90_000 });
  await everySize(play, 'a maze');
});

test('axe-core finds nothing wrong with the Images page', async ({
  models,
  page,
  play,
  site,
}) => {
  await models.serve(shippedDigits());
  await page.emulateMedia({ reducedMotion: 'reduce' });
  const images = new Images(page, site);
  await images.open('?outer=12');
  await page.getByText('Settings', { exact: true }).click();
  await page.getByText('Advanced settings').click();
  await page.getByText('Raw configuration').click();
  await images.draw(STROKES[0]);
  await images.press('Measure');
  await expect(images.measured).toHaveAttribute('data-steps', '24');
  await images.measured.getByRole('button', { name: /taken for/ }).first().click();
  await expect(images.wrong.getByRole('button').first()).toBeVisible();
  await everySize(play, 'a drawing, and what is confused');
  await play.drop('notes.txt', 'no picture');
  await play.says('neither a picture');
  await images.press('Train from scratch');
  await play.reach(2);
  await images.press('Pause');
  await play.phase('paused');
  await everySize(play, 'a model that learns');
});

test('a button keeps the focus when its action changes', async ({ models, page, play, site }) => {
  await play.open('?preset=tiny&max_iters=100000&duel=tiny&duel_steps=50000');
  await play.tab('Train');
  await play.button('Train').press('Enter');
  await expect(play.button('Pause')).toBeFocused();
  await play.reach(1);
  await page.keyboard.press('Enter');
  await play.phase('paused');
  await expect(play.button('Train')).toBeFocused();

  // What goes with its own action leaves the focus to what is near, or to the open tab.
  const selected = page.getByRole('tab', { selected: true });
  await play.button('Train').press('Enter');
  await play.tab('Explore');
  await page.getByRole('button', { name: 'Pause training' }).press('Enter');
  await play.phase('paused');
  await expect(selected).toBeFocused();
  await play.drop('empty.txt', '');
  await play.button('Close').press('Enter');
  await expect(selected).toBeFocused();
  await play.tab('Train');
  await page.getByText('Settings', { exact: true }).click();
  await page.locator('#setting-learning_rate').fill('0.002');
  await page.locator('#setting-learning_rate').blur();
  await play.button('Apply now').press('Enter');
  await expect(play.button('Start a new run')).toBeFocused();
  // The tour has the focus as long as it is there.
  await play.tab('Explore');
  await play.button('Take the tour').press('Enter');
  await expect(play.button('Next')).toBeFocused();
  const tour = page.getByRole('region', { name: 'Tour' });
  await tour.getByRole('button', { name: 'Close' }).press('Enter');
  await expect(play.button('Take the tour')).toBeFocused();
  await play.tab('Train');

  // Both sides load in between.
  await play.button('Train both').press('Enter');
  await expect(play.button('Pause both')).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(play.button('Train both')).toBeFocused();

  // A run that was deleted comes back with its own button.
  await play.button('Reset').click();
  await play.at(0);
  await play.tab('Library');
  const deletes = play.kept.getByRole('button', { name: /^Delete/ });
  await deletes.press('Enter');
  await expect(play.button('Undo')).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(deletes).toBeFocused();

  await page.goto(`${site.url}leak.html`);
  await play.button('Train the leaky model').press('Enter');
  await expect(play.button('Stop')).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(
    page.getByRole('button', { name: /^Train (again|the leaky model)$/ }),
  ).toBeFocused();

  // A model that was opened, and one that takes its place.
  await models.serve(shippedDigits());
  const images = new Images(page, site);
  await images.open();
  await play.button('Measure').press('Enter');
  await expect(images.measured).toHaveAttribute('data-busy', 'false');
  await expect(play.button('Measure again')).toBeFocused();
  await play.tab('Train');
  await play.button('Continue training').press('Enter');
  await expect(play.button('Pause')).toBeFocused();
  await page.keyboard.press('Enter');
  await play.phase('paused');
  await expect(page.getByRole('button', { name: /^(Train|Continue training)$/ })).toBeFocused();
  await play.button('Train from scratch').press('Enter');
  await expect(play.button('Pause')).toBeFocused();
  await play.button('Pause').click();
});

test('a button keeps the focus while the training puzzles are generated', async ({
  page,
  play,
  site,
}) => {
  const puzzles = new Puzzles(page, site);
  await puzzles.open('?preset=sudoku-4x4&max_iters=100000');
  await play.trainTo(2);
  await page.reload();
  await play.phase('paused');
  await play.tab('Train');
  await play.button('Train').press('Enter');
  await expect(play.button('Pause')).toBeFocused();
  await page.keyboard.press('Enter');
  await play.phase('paused');
  await expect(play.button('Train')).toBeFocused();
});

test('the button that answers an ARC task keeps the focus', async ({ page, play, site }) => {
  const arc = new ArcPage(page, site);
  await arc.open(SMALL);
  await play.trainTo(1);
  await play.tab('Explore');
  await play.button('Answer').press('Enter');
  await expect(arc.attempts).toBeVisible();
  await expect(play.button('Answer')).toBeFocused();
});

test('the menu of puzzles keeps the focus when its choice brings another stage', async ({
  page,
  site,
}) => {
  const puzzles = new Puzzles(page, site);
  await puzzles.open('?preset=sudoku-4x4');
  const kinds = page.getByRole('combobox', { name: 'Puzzle', exact: true });
  await kinds.press('Shift');
  await kinds.selectOption('ARC tasks');
  await expect(page.getByTestId(TESTIDS.task)).toBeVisible();
  await expect(kinds).toBeFocused();
  await kinds.selectOption('Sudoku 4×4');
  await expect(puzzles.board).toBeVisible();
  await expect(kinds).toBeFocused();
});
