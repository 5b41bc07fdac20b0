// ARC tasks on the Puzzles page: shown, refused where they are none, learned from
// nothing, answered in every augmented copy, and known again by a checkpoint; and the
// model that comes with the page.

import { readFileSync } from 'node:fs';

import { ArcPage, SMALL } from './support/arc';
import { expectNoViolation } from './support/axe';
import { expect, test as base } from './support/test';

const test = base.extend<{ arc: ArcPage }>({
  arc: async ({ page, site }, use) => use(new ArcPage(page, site)),
});

/** A task that is no sample, as the ARC Prize writes one. */
const OWN = JSON.stringify({
  train: [
    { input: [[1, 2]], output: [[2, 1]] },
    { input: [[3, 4]], output: [[4, 3]] },
  ],
  test: [{ input: [[5, 6]] }],
});

test('a visitor sees a sample task and its tests', async ({ page, arc }) => {
  await arc.open('?kind=sudoku-4x4&num_puzzles=10&num_val_puzzles=5');
  await page.getByRole('combobox', { name: 'Puzzle', exact: true }).selectOption('ARC tasks');
  await expect(page).toHaveURL(/kind=arc&task=trade-colours/);
  await page.getByRole('combobox', { name: 'Task', exact: true }).selectOption('mirror');
  await expect(page).toHaveURL(/kind=arc&task=mirror/);
  await expect(arc.grid('Example 1, input')).toHaveAccessibleName(
    'Example 1, input: 3 × 3 grid; row 1: 1 0 0; row 2: 1 2 0; row 3: 0 0 3',
  );
  await expect(arc.grid('Example 1, output')).toHaveAttribute('data-grid', '001/021/300');
  await page.getByRole('combobox', { name: 'Test', exact: true }).selectOption('2 of 2');
  await expect(arc.grid('Test 2, input')).toHaveAttribute('data-grid', '210/002/100');
  await expect(arc.grid('Test 2, output')).toHaveCount(0);
  await page.getByLabel('show solution').check();
  await expect(arc.grid('Test 2, output')).toHaveAttribute('data-grid', '012/200/001');
  await expect(page).toHaveURL(/test=2/);
  await page.getByRole('combobox', { name: 'Task', exact: true }).selectOption('fall-down');
  await expect(arc.grid('Test, input')).toHaveAttribute('data-grid', /^6000/);
  // Under the pointer a cell says which it is.
  await arc.grid('Test, input').hover({ position: { x: 3, y: 3 } });
  await expect(arc.grid('Test, input')).toHaveAttribute('title', 'Row 1, column 1: 6, magenta');
});

test('a model learns the sample for some steps, and the augmented copies vote for two attempts', async ({
  page,
  play,
  arc,
}) => {
  await arc.open(SMALL);
  await play.trainTo(3);
  await arc.answer();
  const votes = await arc.votes();
  expect(votes.length).toBeGreaterThan(0);
  expect(votes.length).toBeLessThanOrEqual(2);
  const [given, of] = await arc.counted();
  expect([given, of]).toEqual([3, 3]);
  expect(votes.reduce((sum, n) => sum + n, await arc.others())).toBe(3);
  await expect(arc.attempts).toContainText(/✗ wrong|✓ right/);
  await expect(arc.attempts).toContainText(/Not solved|Solved/);
  // Each step of each copy can be looked at.
  await page.getByRole('slider', { name: 'Augmented copy' }).fill('1');
  await expect(arc.augmentation).toHaveAttribute('data-augmentation', '1');
  await expect(arc.grid('Test in this copy')).toHaveAttribute('data-grid', '8000/8300/0330');
  await page.getByRole('slider', { name: 'Step' }).fill('1');
  await expect(arc.augmentation).toContainText(/Supervision step 1, halting probability \d+ %/);
  await page.getByRole('slider', { name: 'Step' }).fill('2');
  await expect(arc.augmentation).toContainText(/Supervision step 2, \d+ cells? changed/);
  // Another test is answered at once: the model has learned its task.
  await page.getByRole('combobox', { name: 'Test', exact: true }).selectOption('2 of 2');
  await expect(arc.grid('Test in this copy')).toHaveAttribute('data-grid', '210/002/100');
  await expect.poll(() => arc.counted()).toEqual([3, 3]);
});

test('ARC opens with the answers of the model that comes with the page', async ({
  page,
  models,
  arc,
}) => {
  await models.real();
  await arc.visit('?kind=sudoku-4x4');
  await page.getByRole('combobox', { name: 'Puzzle', exact: true }).selectOption('ARC tasks');
  await expect(arc.augmentation).toBeVisible({ timeout: 20_000 });
  await expect(arc.knowledge).toContainText('trained only on the examples of 4 tasks');
  await expect(arc.knowledge).toContainText('no general ARC solver');
  // Every copy votes, and the result says whether one of two attempts is right.
  await expect(arc.attempts).toContainText(/Not solved|Solved/, { timeout: 60_000 });
  const [given, of] = await arc.counted();
  expect(given).toBe(of);
  expect(of).toBeGreaterThan(1);
  // Every supervision step of the test as it is can be seen.
  await expect(arc.augmentation).toHaveAttribute('data-augmentation', '1');
  await page.getByRole('slider', { name: 'Supervision step' }).fill('1');
  await expect(arc.augmentation).toContainText(/Supervision step 1, halting probability \d+ %/);
  // Tasks of a visitor's own are no tasks of this model.
  await page.getByText('Paste tasks').click();
  await page.getByRole('textbox', { name: /JSON of one task/ }).fill(OWN);
  await page.getByRole('button', { name: 'Load tasks', exact: true }).click();
  await expect(arc.knowledge).toContainText('This model was not trained on “pasted”');
});

test('what is no task is refused, and nothing is lost', async ({ page, play, arc }) => {
  await arc.open(SMALL);
  await play.trainTo(1);
  await arc.answer();
  for (const [text, said] of [
    ['{', /line 1 of Broken: it is not JSON .* Correct that line/is],
    ['{"a": {"train": [], "test": []}}', /Broken is not usable: task a has no training pair.* Correct it there/is],
    ['[]', /no puzzles in Broken.* Give at least one puzzle/is],
  ] as const) {
    await play.drop('broken.json', text);
    await play.says(said);
    await page.getByRole('button', { name: 'Close' }).click();
  }
  await expect(arc.task).toHaveAttribute('data-task', 'mirror');
  expect(await arc.counted()).toEqual([3, 3]);
});

test('tasks of one name are told apart, and a task without a test is shown', async ({
  page,
  play,
  arc,
}) => {
  await arc.open(SMALL);
  await play.trainTo(1);
  const task: object = JSON.parse(OWN);
  const twice = [
    { ...task, id: 'swap' },
    { ...task, id: 'swap', test: [] },
  ];
  await play.drop('twice.json', JSON.stringify(twice));
  await play.tab('Explore');
  await expect(arc.task).toHaveAttribute('data-task', 'swap');
  await expect(play.button('Answer')).toBeEnabled();
  await page.getByRole('combobox', { name: 'Task', exact: true }).selectOption('swap (2)');
  await expect(arc.grid('Example 2, input')).toHaveAttribute('data-grid', '34');
  await expect(arc.task).toContainText('This task has no test.');
  await expect(play.button('Answer')).toBeDisabled();
});

test('a task that the model does not know is shown, and learned by another one', async ({
  page,
  play,
  arc,
}) => {
  await arc.open(SMALL);
  await play.trainTo(1);
  await play.drop('swap.json', OWN);
  await expect(arc.task).toHaveAttribute('data-task', 'swap');
  await expect(arc.knowledge).toContainText('This model was not trained on “swap”');
  await expect(arc.knowledge).toContainText('4 tasks: fall-down, fill-the-hole, mirror');
  await play.button('Answer').click();
  await expect(page.getByRole('alert')).toContainText(/was not trained on the task swap.*Train a model/s);
  await play.button('Train on these tasks').click();
  // The step of the run before is one too.
  await expect(arc.knowledge).toContainText('one task: swap');
  await play.button('Pause').click();
  await arc.answer();
  await expect(arc.attempts).toContainText('The file does not contain the correct output');
  // What it learned from comes back with it.
  await expect(page.getByText(/Saved in this browser at/)).toBeAttached();
  await page.reload();
  await expect(arc.task).toHaveAttribute('data-task', 'swap');
  await arc.answer();
});

test('a model that was saved knows its tasks, and goes on with them only', async ({
  page,
  play,
  arc,
}) => {
  await arc.open(SMALL);
  const step = await play.trainTo(2);
  const saving = page.waitForEvent('download');
  await play.button('Save checkpoint').click();
  const file = readFileSync(await (await saving).path());
  await play.drop('swap.json', OWN);
  await play.drop('arc.safetensors', file);
  await play.says(`Checkpoint loaded at step ${step}.`);
  await expect(arc.knowledge).toContainText('This model was not trained on “swap”. It was trained on 4 tasks');
  await play.button('Train').click();
  await play.says(/or their augmented copies, are different/);
  await play.at(step);
  await play.button('Sample tasks').click();
  await expect(arc.knowledge).toContainText('trained only on the examples of 4 tasks');
  await arc.answer();
  await play.button('Train').click();
  await play.reach(step + 1);
});

test('axe-core finds nothing wrong with a task and its answers', async ({ page, play, arc }) => {
  await arc.open(SMALL);
  await play.trainTo(1);
  await arc.answer();
  await page.getByText('Paste tasks').click();
  await page.getByLabel('show numbers').check();
  for (const colours of ['light', 'dark']) {
    const change = play.button(`Switch to ${colours} theme`);
    if (await change.isVisible()) await change.click();
    for (const size of [
      { width: 1440, height: 900 },
      { width: 390, height: 844 },
    ]) {
      await page.setViewportSize(size);
      await expectNoViolation(page, `${colours}, ${size.width} wide`);
    }
  }
});
