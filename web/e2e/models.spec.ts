// The models that come with the page: opened first, asked before anything is
// trained, trained on, and refused when they are not what they should be.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { type Model, trainedModel } from './support/models';
import { expect, test } from './support/test';

const STEPS = 60;

let folder: string;
let model: Model;

test.beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'trm-'));
  model = trainedModel(folder, STEPS);
});

test.afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('a first visit opens the model of the manifest, which writes before anything is trained', async ({
  models,
  page,
  play,
}) => {
  await models.serve(model);
  await play.open('');
  await play.at(STEPS);
  await play.phase('done');
  await expect(page).toHaveURL(/\?checkpoint=tiny-shakespeare$/);
  await play.tab('Train');
  await expect(page.getByRole('combobox', { name: 'Model', exact: true })).toContainText(
    model.title,
  );
  await expect(play.notice.getByRole('paragraph')).toHaveCount(0);
  const [, shallow] = await play.texts();
  await play.depth('Second', 4);
  await expect(play.answers[1]).not.toHaveText(shallow);
  const [, deep] = await play.texts();
  expect(deep).not.toBe(shallow);
  // Nothing has been trained, and nothing is kept: the model comes again.
  await play.at(STEPS);
  expect(models.fetched).toBe(1);
  await page.reload();
  await play.phase('done');
  await play.at(STEPS);
  await expect(play.kept).toHaveCount(0);
});

test('a model is trained on past its last step, kept, and opened anew', async ({
  models,
  page,
  play,
}) => {
  await models.serve(model);
  await play.open('');
  await play.tab('Train');
  await expect(page.getByText(`Training finished (${STEPS} steps).`)).toBeVisible();
  await play.button('Continue training').click();
  await play.reach(STEPS + 5);
  await play.phase('done');
  await play.at(2 * STEPS);
  await expect(page).toHaveURL(/checkpoint=tiny-shakespeare.*max_iters=120/);
  await expect(page.getByText(/Saved in this browser at/)).toBeAttached();
  await page.reload();
  await play.phase('done');
  await play.at(2 * STEPS);
  await play.button('Reset').click();
  await play.at(STEPS);
  await expect(play.button('Continue training')).toBeEnabled();
  await expect(play.kept).toContainText(`${model.title}, step ${2 * STEPS}`);
});

test('a link opens its model and settings, also for who has another run', async ({
  context,
  models,
  play,
  site,
}) => {
  await models.serve(model);
  await play.open();
  await play.stepOnce(2);
  await play.hide();
  await expect(play.page.getByText(/Saved in this browser at/)).toBeAttached();
  await play.page.close();

  const { Playground } = await import('./support/playground');
  const link = new Playground(await context.newPage(), site);
  await link.open('?checkpoint=tiny-shakespeare&max_iters=63&depth=3');
  await link.at(STEPS);
  await expect(link.kept).toContainText('step 2');
  await link.tab('Train');
  await expect(link.page.getByText('3 of its 63 training steps are left.')).toBeVisible();
  await link.button('Continue training').click();
  await link.phase('done');
  await link.at(63);
});

test('a link to a model that there is not says so, and the page works', async ({
  models,
  play,
}) => {
  await models.serve(model);
  await play.open('?checkpoint=nobody');
  await play.says('This page has no model “nobody”.');
  await play.at(0);
  await play.stepOnce();
});

test('a visitor who has a run goes on with it', async ({ context, models, play, site }) => {
  await models.serve(model);
  await play.open();
  const steps = await play.trainTo(20);
  await play.page.close();
  const { Playground } = await import('./support/playground');
  const again = new Playground(await context.newPage(), site);
  await again.open('');
  await again.at(steps);
  expect(models.fetched).toBe(0);
});

test('a model is trained from nothing instead', async ({ models, page, play }) => {
  await models.serve(model);
  await play.open('');
  await page.getByRole('combobox', { name: 'Or start a new model' }).selectOption('page-small');
  await play.button('Train from scratch').click();
  await play.phase('training');
  await play.reach(1);
  expect(await play.steps()).toBeLessThan(STEPS);
  await expect(page).toHaveURL(/\?preset=page-small(#train)?$/);
  await play.button('Pause').click();
  await play.phase('paused');
});

test('a visitor need not wait for a model that is slow to come', async ({
  context,
  models,
  page,
  play,
}) => {
  await models.serve(model);
  await context.route('**/checkpoints/*.safetensors?*', () => undefined);
  await page.goto(play.site.text);
  await expect(page.getByText(`Downloading “${model.title}”`).first()).toBeVisible();
  await play.button('Train from scratch instead').click();
  await play.pauseAt(1);
  await play.stepOnce();
});

test('a broken manifest changes nothing', async ({ models, page, play }) => {
  const said: string[] = [];
  page.on('console', (message) => said.push(message.text()));
  await models.say('{ "format": "trm-checkpoints/1", "checkpoints": ');
  await play.open('');
  await play.at(0);
  await expect(play.gallery).toHaveCount(0);
  await expect(play.notice.getByRole('paragraph')).toHaveCount(0);
  expect(said).toEqual([expect.stringContaining('This page has no pre-trained models')]);
  await play.stepOnce();
});

test('a file with another digest is refused, and the right one can be had later', async ({
  models,
  play,
}) => {
  const altered = Buffer.from(model.file);
  altered[altered.length - 1]! ^= 1;
  await models.serve(model, altered);
  await play.open('');
  await play.says(`“${model.title}” could not be opened.`);
  await play.says('its digest differs');
  await play.at(0);
  await play.stepOnce();

  await models.serve(model);
  await play.gallery.getByRole('button', { name: 'Try again' }).click();
  await play.at(STEPS);
  await play.tab('Train');
  await expect(play.button('Continue training')).toBeEnabled();
  await expect(play.kept).toContainText('step 1');
});
