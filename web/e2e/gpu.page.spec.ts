// The page on WebGPU. A software adapter is taken only when the address asks.

import { expect, test } from './support/test';

const SOFTWARE = '?preset=tiny&device=gpu&software=1';

test('a software adapter is not taken unless it is asked for', async ({ play }) => {
  await play.open();
  await expect(play.device).toHaveAttribute('data-backend', 'cpu');
  await expect(play.device).toContainText('only a software adapter');
});

test('trains and writes on WebGPU', async ({ play }) => {
  await play.open(SOFTWARE);
  await expect(play.device).toHaveAttribute('data-backend', 'webgpu');
  await expect(play.device).toContainText('Running on WebGPU');
  await play.stepOnce(2);
  expect(Number(await play.loss.innerText())).toBeGreaterThan(2);
  // A token takes this adapter a good part of a second.
  await expect(play.watched).toHaveText(/ROMEO:.+/s, { timeout: 200_000 });
});

test('a device lost in the middle of training is replaced, and the run goes on', async ({
  context,
  play,
}) => {
  await play.open(`${SOFTWARE}&max_iters=1000`);
  await play.stepOnce(2);
  await play.hide();
  await expect(play.page.getByText(/Saved in this browser at/)).toBeAttached();
  await play.button('Train').click();
  await play.reach(3);
  const browser = await context.browser()!.newBrowserCDPSession();
  await browser.send('Browser.crashGpuProcess');
  await play.says(/Went back from step \d+ to the last save, step \d+/);
  const after = await play.steps();
  expect(after).toBeGreaterThanOrEqual(2);
  await play.reach(after + 1);
});
