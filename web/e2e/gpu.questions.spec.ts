// The Questions page on WebGPU gives the answers that it gives on the CPU.

import { TESTIDS } from '../src/testids';
import { withFolder } from './support/native';
import { pair, Questions } from './support/questions';
import { expect, test } from './support/test';

/** For a software adapter. */
const SLOW = { timeout: 300_000 };

test('a recursive model and its base compute on WebGPU as on the CPU', async ({ page, site }) => {
  await withFolder(async (folder) => {
    const { base, model } = pair(folder);
    const questions = new Questions(page, site);
    /** What the answer most probably begins with after each step: a token and its percentage. */
    const answered = async (device: string, backend: string) => {
      await questions.open('none', `?device=${device}`);
      await expect(page.getByTestId(TESTIDS.device)).toHaveAttribute('data-backend', backend);
      await questions.give(base);
      await questions.holds('kept in this browser');
      await questions.giveModel(model);
      await expect(page.locator('main')).toContainText('trained for 3 steps');
      // One answer: a token takes this adapter a good part of a second.
      for (const depth of ['0', '1', '6']) {
        await page.getByRole('checkbox', { name: depth, exact: true }).uncheck();
      }
      await questions.ask('The ball is under cup A. Swap A and B. Which cup?', SLOW);
      const cells = page.getByTestId(TESTIDS.thinking).locator('tbody td.top');
      await expect(cells).toHaveCount(3);
      const rows = await cells.evaluateAll((all) =>
        all.map((cell) => [...cell.children].map((part) => part.textContent)),
      );
      await page.getByRole('textbox', { name: 'Message' }).fill('Hello');
      await questions.button('Send').click();
      // Known from the second token on.
      await expect(questions.chat).toContainText('tokens/s', SLOW);
      await questions.button('Stop').click();
      await expect(questions.button('Send')).toBeVisible(SLOW);
      await questions.button(/^Remove from this browser/).click();
      await questions.says(/removed/);
      return rows.map(([token, share]) => ({ token, share: Number.parseFloat(share ?? '') }));
    };
    const onCpu = await answered('cpu', 'cpu');
    const onGpu = await answered('gpu&software=1', 'webgpu');
    expect(onGpu.map(({ token }) => token)).toEqual(onCpu.map(({ token }) => token));
    for (const [i, { share }] of onGpu.entries()) {
      // They are shown in whole percent.
      expect(Math.abs(share - (onCpu[i]?.share ?? NaN))).toBeLessThanOrEqual(1);
    }
  });
});
