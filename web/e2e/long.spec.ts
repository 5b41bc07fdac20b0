// A visitor's whole afternoon: watches, goes deeper, trains on a text of their
// own, saves, comes back, compares, shares, and opens a native checkpoint.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { TESTIDS } from '../src/testids';
import { trainedModel } from './support/models';
import { withFolder } from './support/native';
import { metadata, Playground } from './support/playground';
import { expect, test } from './support/test';

const TEXT = 'she sells sea shells by the sea shore.\n'.repeat(200);
const CHANCE = Math.log(new Set(TEXT).size);
/** Seconds of training; `LONG=1` trains for five minutes. */
const SECONDS = process.env.LONG ? 300 : 10;

test(`a visitor watches, trains for ${SECONDS} seconds, saves, comes back, compares and shares`, async ({
  browser,
  context,
  models,
  play,
  site,
}) => {
  test.setTimeout(240_000 + 1000 * SECONDS);
  await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: site.origin });
  await withFolder(async (folder) => {
    const model = trainedModel(folder, 40);
    await models.serve(model);

    await test.step('something is written without a click', async () => {
      await play.open('');
      await expect(play.watched).toHaveText(/ROMEO:.{20}/s);
      await expect(play.page.getByTestId(TESTIDS.refinement)).toBeVisible();
    });

    await test.step('the depth goes from 1 to 8, and every one writes', async () => {
      for (let depth = 1; depth <= 8; depth += 1) {
        await play.page.getByRole('slider', { name: 'Recursion depth', exact: true }).fill(String(depth));
        await expect(play.watched).toHaveText(/ROMEO:.+/s);
      }
      await expect(play.page).toHaveURL(/[?&]depth=8/);
    });

    const steps = await test.step('a small model learns a text of their own', async () => {
      const menu = play.page.getByRole('combobox', { name: 'Model', exact: true });
      await menu.selectOption('page-tiny');
      await play.at(0);
      await play.paste(TEXT);
      await play.says(/trains on “own text”/);
      const end = Date.now() + 1000 * SECONDS;
      await expect
        .poll(
          async () =>
            Date.now() >= end || (await play.step.getAttribute('data-phase')) === 'done',
          { timeout: 1000 * (SECONDS + 30) },
        )
        .toBe(true);
      if ((await play.step.getAttribute('data-phase')) === 'training') {
        await play.button('Pause').click();
      }
      await play.phase(/paused|done/);
      await expect(play.step).toHaveAttribute('data-stepping', 'false');
      // Guessing is left behind at once; a text that repeats itself is soon known.
      await expect.poll(async () => Number(await play.loss.innerText())).toBeLessThan(CHANCE - 1);
      return play.steps();
    });

    await test.step('the checkpoint is saved as a file', async () => {
      const { bytes } = await play.download();
      expect(metadata(bytes)['step']).toBe(String(steps));
    });

    // As a browser does with tabs that were closed.
    const address = play.page.url().slice(site.text.length);
    await play.page.close();
    const again = new Playground(await context.newPage(), site);
    await test.step('the tab that is opened again goes on there', async () => {
      await again.open(address);
      await again.at(steps);
      await expect(again.page.getByText('trains on “own text”')).toBeVisible();
    });

    await test.step('a second run is compared with the first', async () => {
      await again.page.locator('#train').getByRole('button', { name: 'Reset', exact: true }).click();
      await again.at(0);
      await again.stepOnce(3);
      const past = again.page.getByTestId(TESTIDS.pastRuns);
      await expect(past).toContainText(`step ${steps.toLocaleString('en-US')}`);
      await expect(past.getByRole('checkbox')).toBeChecked();
    });

    const other = await browser.newContext();
    await test.step('somebody else opens the link', async () => {
      await again.button('Copy link').click();
      await expect(again.page.getByText('Copied.')).toBeVisible();
      const link = await again.page.evaluate(() => navigator.clipboard.readText());
      const friend = new Playground(await other.newPage(), site);
      await friend.open(link.slice(site.text.length));
      await friend.at(0);
      // The text itself is not in a link, and the page says so.
      await friend.says(/“own text” is not available/);
      await expect(friend.page).toHaveURL(/depth=8/);

      // The run that the model above was made from.
      const file = join(folder, 'run', 'last.safetensors');
      await friend.drop('last.safetensors', readFileSync(file));
      await friend.says('Checkpoint loaded at step 40');
      await friend.button('Continue training').click();
      await friend.reach(42);
    });
    await other.close();
  });
});
