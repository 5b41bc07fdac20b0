// The first look: what the page says before anything is clicked.

import { TESTIDS } from '../src/testids';
import { expect, test } from './support/test';

test('opens and says which device computes and why', async ({ page, play }) => {
  await play.open('');
  await expect(page).toHaveTitle('Text · TRM Playground');
  await expect(page.getByRole('heading', { name: 'TRM Playground' })).toBeVisible();
  await expect(play.device).toHaveAttribute('data-backend', 'cpu');
  await expect(play.device).toContainText('Running on the CPU');
  await expect(play.device).toContainText(/WebGPU (found no graphics adapter|has only a software)/);
  // ln(65): Tiny Shakespeare has 65 characters.
  await expect(page.getByTestId(TESTIDS.chance)).toHaveText('4.174');
  await expect(play.notice.getByRole('paragraph')).toHaveCount(0);
});

test('a browser without WebGPU trains all the same', async ({ page, play }) => {
  await page.route('**/assets/worker-*.js', async (route) => {
    const response = await route.fetch();
    const body = `delete WorkerNavigator.prototype.gpu;\n${await response.text()}`;
    await route.fulfill({ response, body });
  });
  await play.open();
  await expect(play.device).toContainText('this browser has no WebGPU');
  await play.stepOnce(2);
});

test('asking for the GPU where there is none says so and goes on', async ({ play }) => {
  await play.open('?preset=tiny&device=gpu');
  await expect(play.device).toContainText('device=gpu is set in the address, but');
  await play.stepOnce();
});

test('what an address says is used, and what it cannot say is named', async ({ page, play }) => {
  await play.open('?preset=tiny&block_size=16&learning_rate=fast&prompt=KING');
  await play.says('“fast” is not a valid value for learning_rate (a number from 0 to 1).');
  await expect(page.getByRole('textbox', { name: 'Prompt' })).toHaveValue('KING');
  await expect(page).toHaveURL(/block_size=16/);
});
