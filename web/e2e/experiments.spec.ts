// Experiments: settings changed during training, earlier runs on the chart,
// and two configurations trained alternately.

import type { Locator, Page } from '@playwright/test';

import { TESTIDS } from '../src/testids';
import type { Playground } from './support/playground';
import { expect, test } from './support/test';

test('the learning rate moves while it trains, and the chart says where', async ({ page, play }) => {
  await play.open();
  await play.button('Train').click();
  await play.reach(20);
  const dial = page.getByRole('slider', { name: 'Learning rate' });
  await dial.fill('-2.5');
  // Another rate than the preset's, in the run itself: the address carries what the run has.
  await expect(page).toHaveURL(/learning_rate=0\.0032/);
  const mark = page.getByTestId(TESTIDS.changes).getByRole('button');
  await expect(mark).toHaveAccessibleName(/^Step \d+: learning_rate 0\.003 → 0\.0032$/);
  const [, at] = /^Step (\d+)/.exec((await mark.getAttribute('aria-label')) ?? '') ?? [];
  expect(Number(at)).toBeGreaterThanOrEqual(20);
  // No restart: it goes on from there.
  await play.phase('training');
  await play.reach(Number(at) + 20);
  await mark.focus();
  await expect(mark.getByText(/learning_rate 0\.003 →/)).toBeVisible();
  await play.button('Pause').click();
  await play.phase('paused');

  // On a phone, where buttons are wider, it is still centred on its step.
  const size = page.viewportSize()!;
  await page.setViewportSize({ width: 390, height: 844 });
  const off = () =>
    mark.evaluate((button) => {
      const { x, width } = button.getBoundingClientRect();
      const chart = (button as HTMLElement).offsetParent!;
      const origin = chart.getBoundingClientRect().x + chart.clientLeft;
      return Math.abs(x + width / 2 - origin - parseFloat((button as HTMLElement).style.left));
    });
  await expect.poll(() => mark.evaluate((button) => button.clientWidth)).toBeGreaterThan(40);
  expect(await off()).toBeLessThan(1);
  await page.setViewportSize(size);

  // A reload goes on with the rate, and with the mark.
  await expect(page.getByText(/Saved in this browser at/)).toBeAttached();
  const steps = await play.steps();
  await page.reload();
  await play.at(steps);
  await expect(mark).toHaveAccessibleName(/learning_rate 0\.003 → 0\.0032/);
});

test('loss weights and depths of a step are moved without a restart', async ({ page, play }) => {
  await play.open();
  await play.stepOnce(2);
  const panel = page.getByRole('region', { name: 'Live settings' });
  await panel.getByRole('radio', { name: 'growing' }).check();
  await expect(page).toHaveURL(/objective=every_cycle&cycle_weights=0\.5,1/);
  await page.getByRole('slider', { name: 'Loss weight of pass 1' }).fill('0.25');
  await expect(page).toHaveURL(/cycle_weights=0\.25,1/);
  await panel.getByRole('radio', { name: 'uniform' }).check();
  await expect(page).toHaveURL(/depth_sampling=uniform/);
  await play.stepOnce();
  await play.at(3);
  await page.getByText('Settings', { exact: true }).click();
  await page.getByText('Advanced settings').click();
  await expect(page.getByRole('combobox', { name: /^depth_sampling/ })).toHaveValue('uniform');
});

test('the form says what can change now and what needs a new run', async ({ page, play }) => {
  await play.open();
  await play.stepOnce(2);
  await page.getByText('Settings', { exact: true }).click();
  await page.getByText('Advanced settings').click();
  const set = async (name: RegExp, value: string) => {
    await page.getByRole('textbox', { name }).fill(value);
    await page.getByRole('textbox', { name }).blur();
  };
  await set(/^grad_clip live/, '0.5');
  await set(/n_layers new run/, '2');
  await expect(page.getByText(/grad_clip can be applied now; n_layers needs a new run/)).toBeVisible();
  await play.button('Apply now').click();
  await expect(page).toHaveURL(/grad_clip=0\.5/);
  await play.at(2);
  // What could not be applied still stands there.
  await expect(page.getByText(/Changed: n_layers. This needs a new run/)).toBeVisible();
  await play.button('Start a new run').click();
  await play.at(0);
  await expect(page).toHaveURL(/n_layers=2.*grad_clip=0\.5/);
});

test('what the form refused goes with the model that it was typed for', async ({ page, play }) => {
  await play.open();
  await page.getByText('Settings', { exact: true }).click();
  await page.getByText('Advanced settings').click();
  await page.getByText('Raw configuration').click();
  const type = async (name: RegExp, value: string) => {
    await page.getByRole('textbox', { name }).fill(value);
    await page.getByRole('textbox', { name }).blur();
  };
  await type(/^grad_clip live/, '0.5');
  await type(/hidden_size/, '48');
  await type(/n_layers new run/, '3');
  await expect(page.getByText(/grad_clip can be applied now; hidden_size, n_layers need a new run/)).toBeVisible();
  await type(/n_layers new run/, '2.5');
  await type(/JSON/, 'null');
  const layers = page.getByRole('textbox', { name: /n_layers new run/ });
  await expect(layers).toHaveAttribute('aria-invalid', 'true');
  await expect(page.getByText('The document is no object.')).toBeVisible();
  await page.getByRole('combobox', { name: 'Model', exact: true }).selectOption('page-small');
  await expect(page).toHaveURL(/preset=page-small/);
  await expect(layers).toHaveValue(/^\d+$/);
  await expect(layers).not.toHaveAttribute('aria-invalid');
  await expect(page.getByRole('textbox', { name: /JSON/ })).toHaveValue(/"model"/);
  await expect(page.getByText('The document is no object.')).toHaveCount(0);
});

test('earlier runs stay on the chart, with what they were', async ({ page, play }) => {
  const past = page.getByTestId(TESTIDS.pastRuns);
  await play.open();
  await play.stepOnce(3);
  await page.getByText('Settings', { exact: true }).click();
  const rate = page.getByRole('textbox', { name: /learning_rate/ });
  const layers = page.getByRole('textbox', { name: /n_layers/ });
  await layers.fill('2');
  await layers.blur();
  await play.button('Start a new run').click();
  await play.at(0);
  const first = past.getByRole('listitem').filter({ hasText: 'step 3' });
  await expect(first).toContainText('n_layers 1');
  await expect(first).toContainText(/validation \d\.\d{3}/);

  await play.stepOnce(2);
  await rate.fill('0.01');
  await rate.blur();
  await layers.fill('1');
  await layers.blur();
  await play.button('Start a new run').click();
  await play.at(0);
  await expect(past.getByRole('listitem')).toHaveCount(2);
  // Against the run at hand, which is now another one.
  await expect(first).toContainText('learning_rate 0.003');
  await expect(first).not.toContainText('n_layers');
  await expect(past).toContainText('n_layers 2, learning_rate 0.003');

  await first.getByRole('checkbox').uncheck();
  await expect(first.locator('line')).toHaveCount(0);
  await first.getByRole('button', { name: /^Remove/ }).click();
  await expect(past.getByRole('listitem')).toHaveCount(1);

  // Another visit finds those that were kept, and their settings.
  await page.reload();
  await play.at(0);
  await expect(past).toHaveCount(0);
  const choice = page.getByRole('combobox', { name: /Compare with/ });
  await choice.selectOption({ label: (await choice.locator('option', { hasText: 'step 3' }).innerText()).trim() });
  await expect(past.getByRole('listitem')).toContainText('learning_rate 0.003');
});

/** The card of the A/B comparison. */
class ComparisonCard {
  readonly card: Locator;
  readonly cells: Locator;

  constructor(readonly page: Page, readonly play: Playground) {
    this.card = page.getByTestId(TESTIDS.comparison);
    this.cells = page.getByTestId(TESTIDS.standing);
  }

  async phase(phase: string): Promise<void> {
    await expect(this.card).toHaveAttribute('data-phase', phase);
  }

  button(name: string): Locator {
    return this.card.getByRole('button', { name, exact: true });
  }

  /** What the table says of both sides. */
  async row(title: string): Promise<string[]> {
    return this.cells.getByRole('row', { name: title }).getByRole('cell').allInnerTexts();
  }

  side(name: 'A' | 'B'): Locator {
    return this.card.getByRole('group', { name, exact: true });
  }
}

const SAME = '&duel=tiny&duel_steps=60';

test('the same configuration twice gives the same curve twice, in turns', async ({ page, play }) => {
  const comparison = new ComparisonCard(page, play);
  await play.open(`?preset=tiny&max_iters=100000${SAME}`);
  await play.button('Train').click();
  await play.reach(5);
  expect(page.workers()).toHaveLength(1);
  await comparison.button('Train both').click();
  // One thing is trained at a time.
  await play.phase('paused');
  await comparison.phase('done');
  expect(await comparison.row('Step')).toEqual(['60', '60']);
  for (const title of ['Training loss', 'Validation loss', 'Parameters']) {
    const [a, b] = await comparison.row(title);
    expect(a).toMatch(/\d/);
    expect(b).toBe(a);
  }
  await expect(page.getByTestId(TESTIDS.verdict)).toContainText('A and B are equal');
  // Its workers are gone with its end.
  await expect.poll(() => page.workers().length).toBe(1);
});

test('two configurations pause at the same step, go on, and can be linked to', async ({
  context,
  page,
  play,
}) => {
  const comparison = new ComparisonCard(page, play);
  await play.open();
  await page.getByText('A/B comparison', { exact: true }).click();
  await expect(page).toHaveURL(/duel=page-tiny&a=n_layers:4,recursion_steps:1(&|$)/);
  await comparison.card.getByRole('combobox', { name: 'Base preset' }).selectOption('tiny');
  await comparison.card.getByRole('spinbutton', { name: 'Steps' }).fill('5000');
  const rate = comparison.side('B').getByRole('textbox', { name: 'learning_rate' });
  await rate.fill('0.01');
  await rate.blur();
  await expect(comparison.card).toContainText('Both use 4 block evaluations per token');
  await comparison.button('Train both').click();
  await comparison.phase('training');
  await expect.poll(() => page.workers().length).toBe(3);
  await expect(page.getByTestId(TESTIDS.verdict)).toContainText(/After \d+ steps each, /);
  await comparison.button('Pause both').click();
  await comparison.phase('paused');

  // Training the run itself pauses a comparison, too.
  await comparison.button('Train both').click();
  await comparison.phase('training');
  await play.button('Train').click();
  await comparison.phase('paused');
  await play.phase('training');
  await play.button('Pause').click();
  await play.phase('paused');
  const [a, b] = await comparison.row('Step');
  expect(Number(a?.replace(',', ''))).toBeGreaterThan(0);
  expect(b).toBe(a);
  await page.getByRole('radio', { name: 'compute (FLOP)' }).check();
  await expect(page.getByTestId(TESTIDS.verdict)).toContainText('At equal compute');

  const again = await context.newPage();
  await again.goto(page.url());
  const linked = again.getByTestId(TESTIDS.comparison);
  await expect(linked.getByRole('combobox', { name: 'Base preset' })).toHaveValue('tiny');
  await expect(linked.getByRole('spinbutton', { name: 'Steps' })).toHaveValue('5000');
  const b2 = linked.getByRole('group', { name: 'B', exact: true });
  await expect(b2.getByRole('textbox', { name: 'learning_rate' })).toHaveValue('0.01');
  await expect(b2.getByRole('textbox', { name: 'n_layers' })).toHaveValue('2');
  await again.close();

  await page.getByText('A/B comparison', { exact: true }).click();
  await expect.poll(() => page.workers().length).toBe(1);
  await expect(page).not.toHaveURL(/duel/);
});

test('what cannot be compared or trained is said, and nothing stays behind', async ({
  page,
  play,
}) => {
  const comparison = new ComparisonCard(page, play);
  await play.open(`?preset=tiny${SAME}`);
  const line = comparison.side('B').getByRole('textbox', { name: 'Any other setting' });
  const type = async (text: string) => {
    await line.fill(text);
    await line.blur();
  };
  await type('batch_size=4');
  await expect(comparison.card.getByRole('alert')).toContainText('batch_size is 8 in A and 4 in B');
  await expect(comparison.button('Train both')).toBeDisabled();
  await type('bach_size=4');
  await expect(comparison.side('B')).toContainText('There is no setting “bach_size”.');
  await type('chunk_size=4');
  const strange = 'The model of “tiny” has no setting chunk_size.';
  await expect(comparison.side('B')).toContainText(strange);
  // With another base that is out of date.
  const base = comparison.card.getByRole('combobox', { name: 'Base preset' });
  await base.selectOption('page-tiny');
  await expect(comparison.side('B')).not.toContainText(strange);
  await base.selectOption('tiny');
  await type('');
  const heads = comparison.side('B').getByRole('textbox', { name: 'num_heads' });
  await heads.fill('3');
  await heads.blur();
  await comparison.button('Train both').click();
  await comparison.phase('failed');
  await expect(comparison.card.getByRole('alert')).toContainText(/^B: .*num_heads/);
  await expect.poll(() => page.workers().length).toBe(1);

  // Put right, it trains.
  await heads.fill('2');
  await heads.blur();
  await comparison.button('Train both').click();
  await comparison.phase('done');
  // A worker that dies ends the comparison, and says so.
  await comparison.card.getByRole('spinbutton', { name: 'Steps' }).fill('50000');
  await comparison.button('Train both').click();
  await comparison.phase('training');
  await page.workers().at(-1)!.evaluate(() => {
    setTimeout(() => {
      throw new Error('unreachable executed');
    });
  });
  await comparison.phase('failed');
  await expect(comparison.card.getByRole('alert')).toContainText(/^[AB]: .*unreachable executed/);
  await expect.poll(() => page.workers().length).toBe(1);
  await play.stepOnce();
});
