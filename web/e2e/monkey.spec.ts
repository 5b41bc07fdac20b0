// A thousand things done at random and at once end in a state that fits together.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { MOST_SAVED } from '../src/run/saved-runs';
import { type Model, trainedModel } from './support/models';
import { monkey } from './support/monkey';
import { metadata } from './support/playground';
import { expect, test } from './support/test';

const ACTIONS = 1000;
/** `MONKEY_SEED=… npm test -- e2e` does another thousand. */
const seed = Number(process.env.MONKEY_SEED ?? 20_240_611);

let folder: string;
let model: Model;

test.beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'trm-'));
  model = trainedModel(folder, 40);
});

test.afterAll(() => rmSync(folder, { recursive: true, force: true }));

test(`the page stands ${ACTIONS} actions at random (MONKEY_SEED=${seed})`, async ({
  models,
  page,
  play,
}) => {
  test.setTimeout(300_000);
  await models.serve(model);
  await play.open();
  const { done, notices } = await page.evaluate(monkey, [seed, ACTIONS] as [number, number]);

  // Most things could be done, and nothing that the page said was of its own making.
  const tried = ['another model', 'depth', 'pause', 'prompt', 'reset', 'step', 'train'];
  expect(Object.keys(done)).toEqual(expect.arrayContaining(tried));
  for (const said of notices) expect(said).not.toMatch(/went wrong|worker|Went back/);

  // Wishes are met in order: a download is, once all before it have been.
  await play.download();
  const both = play.button('Pause both');
  if (await both.isVisible()) await both.click();
  if ((await play.step.getAttribute('data-phase')) === 'training') {
    const pause = page.getByRole('button', { name: 'Pause', exact: true, includeHidden: true });
    // A run may have ended by itself meanwhile.
    await Promise.race([pause.first().dispatchEvent('click'), play.phase(/paused|done/)]);
  }
  const { bytes } = await play.download();
  await play.phase(/paused|done/);
  await expect(play.step).toHaveAttribute('data-stepping', 'false');
  const steps = await play.steps();
  expect(metadata(bytes)['step'], 'the step that the worker says').toBe(String(steps));
  expect(await play.kept.getByRole('listitem').count()).toBeLessThanOrEqual(MOST_SAVED);

  // Nothing of it is lost with the page.
  await page.reload();
  await play.phase(/paused|done/);
  await play.at(steps);

  // And it still works.
  await page.getByRole('combobox', { name: 'Model', exact: true }).selectOption('page-tiny');
  // Only then is it another run.
  await play.download();
  await play.at(0);
  await play.stepOnce();
});
