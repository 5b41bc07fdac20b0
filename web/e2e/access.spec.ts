// Whether everybody can use the page: what axe-core finds, wide and narrow,
// light and dark, with everything unfolded.

import { AxeBuilder } from '@axe-core/playwright';

import { TESTIDS } from '../src/testids';
import { trainedModel } from './support/models';
import { withFolder } from './support/native';
import type { Playground } from './support/playground';
import { expect, test } from './support/test';

const SIZES = [
  { width: 1440, height: 900 },
  { width: 390, height: 844 },
];

async function expectNoViolation({ page }: Playground, where: string): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map((n) => n.target).join(' ')}`);
  expect(found, where).toEqual([]);
}

async function everySize(play: Playground, state: string): Promise<void> {
  const { page } = play;
  for (const colours of ['Light', 'Dark'] as const) {
    // The button names what it changes to.
    const change = play.button(colours);
    if (await change.isVisible()) await change.click();
    for (const size of SIZES) {
      await page.setViewportSize(size);
      await expectNoViolation(play, `${state}, ${colours}, ${size.width} wide`);
    }
  }
}

test('axe-core finds nothing wrong with a run', async ({ page, play }) => {
  await play.open();
  await play.trainTo(20);
  await play.texts();
  await page.getByText('Settings', { exact: true }).click();
  await page.getByTestId(TESTIDS.refinement).getByRole('button').first().click();
  await play.drop('empty.txt', '');
  await play.says(/empty/i);
  await everySize(play, 'a run');
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
    await page.getByText('The command that trained it').click();
    await everySize(play, 'an opened model');
  });
});
