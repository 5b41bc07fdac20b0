// Nothing that was learned is lost: closed tabs, hidden tabs, crashes, full disks.

import { metadata, Playground } from './support/playground';
import { expect, test } from './support/test';

test('a closed tab goes on where it was', async ({ context, play, site }) => {
  await play.open();
  const steps = await play.trainTo(20);
  const loss = await play.loss.innerText();
  await play.page.close();

  const again = new Playground(await context.newPage(), site);
  await again.open('');
  await again.at(steps);
  expect(await again.loss.innerText()).toBe(loss);
  await again.stepOnce();
});

test('a tab that is hidden keeps what it learned at once', async ({ context, play, site }) => {
  await play.open();
  await play.button('Train').click();
  await play.reach(50);
  await play.hide();
  await expect(play.page.getByText(/Saved in this browser at/)).toBeAttached();
  await play.page.close();

  const again = new Playground(await context.newPage(), site);
  await again.open('');
  await again.reach(50);
});

test('a worker that crashes in the middle of training is replaced, and training goes on', async ({
  page,
  play,
}) => {
  await play.open();
  const steps = await play.trainTo(20);
  await play.button('Train').click();
  await play.reach(steps + 5);
  const [worker] = page.workers();
  await worker!.evaluate(() => {
    setTimeout(() => {
      throw new Error('unreachable executed');
    });
  });
  await play.says(/Went back from step \d+ to the last save/);
  await play.says('unreachable executed');
  const after = await play.steps();
  expect(after).toBeGreaterThanOrEqual(steps);
  await play.reach(after + 5);
});

test('a full disk is told once, and nothing stops', async ({ page, play, site }) => {
  await play.open();
  const client = await page.context().newCDPSession(page);
  await client.send('Storage.overrideQuotaForOrigin', { origin: site.origin, quotaSize: 1 });
  await play.stepOnce(2);
  // A step that is not yet kept; leaving the page asks for it to be.
  await play.stepOnce();
  await play.hide();
  await play.says('The browser has no storage left for this run.');
  await play.says('Save a checkpoint');
  expect(metadata((await play.download()).bytes)['step']).toBe('3');
});

test('a model that could not take the place of an unsaved run is not shown as chosen', async ({
  page,
  play,
  site,
}) => {
  await play.open();
  const client = await page.context().newCDPSession(page);
  await client.send('Storage.overrideQuotaForOrigin', { origin: site.origin, quotaSize: 1 });
  await play.stepOnce();
  const menu = page.getByRole('combobox', { name: 'Model', exact: true });
  await menu.selectOption('page-small');
  await play.says('so it was not replaced');
  await expect(menu).toHaveValue('tiny');
  await play.at(1);
});

test('of two tabs the first keeps its run, and the second once it is alone', async ({
  context,
  play,
  site,
}) => {
  await play.open();
  const second = new Playground(await context.newPage(), site);
  await second.open();
  // Who only looks is not told; who trains is.
  await expect(second.notice.getByRole('paragraph')).toHaveCount(0);
  await second.stepOnce();
  await second.button('Train').click();
  await second.says(/Another tab saves its run/);
  await play.page.close();
  await second.page.reload();
  await second.phase('paused');
  await expect(second.notice.getByRole('paragraph')).toHaveCount(0);
  await second.stepOnce();
});
