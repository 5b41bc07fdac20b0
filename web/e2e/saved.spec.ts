// Runs saved in the browser, pasting, the link.

import { TESTIDS } from '../src/testids';
import { Playground } from './support/playground';
import { expect, test } from './support/test';

const TEXT = 'she sells sea shells by the sea shore.\n'.repeat(100);

test('saved runs say what they hold and take; one that was deleted can be brought back', async ({
  page,
  play,
}) => {
  await play.open();
  const current = page.getByTestId(TESTIDS.currentRun);
  await expect(current).toContainText('step 0');
  await play.stepOnce(3);
  await expect(current).toContainText(/step 3.*Saved in this browser at.*kB/s);
  await play.button('Reset').click();
  await play.at(0);
  await expect(play.kept).toContainText(/step 3.*kB/s);
  await play.tab('Library');
  await expect(page.getByText(/uses .* of the browser’s storage; .* are free/)).toBeVisible();

  await play.kept.getByRole('button', { name: /^Delete/ }).click();
  await expect(play.kept).toHaveCount(0);
  await expect(play.button('Undo')).toBeFocused();
  await play.button('Undo').click();
  await expect(play.kept).toContainText('step 3');
  await page.reload();
  await play.kept.getByRole('button', { name: 'Resume' }).click();
  await play.at(3);
});

/** Pastes as a keyboard would, where the focus is. */
async function paste({ page }: Playground, text: string, file?: string): Promise<void> {
  await page.evaluate(
    ([text, file]) => {
      const clipboardData = new DataTransfer();
      if (file === undefined) clipboardData.setData('text/plain', text);
      else clipboardData.items.add(new File([text], file));
      const event = new ClipboardEvent('paste', { clipboardData, bubbles: true });
      (document.activeElement ?? document.body).dispatchEvent(event);
    },
    [text, file] as const,
  );
}

test('a long text or a file that is pasted on the page is taken; what is pasted into a field is not', async ({
  page,
  play,
}) => {
  await play.open();
  await play.stepOnce(2);
  await paste(play, 'a word');
  await page.getByRole('textbox', { name: 'Prompt' }).focus();
  await paste(play, TEXT);
  await page.getByRole('textbox', { name: 'Prompt' }).blur();
  await play.stepOnce();
  await play.at(3);

  await paste(play, TEXT);
  await play.says(/trains on “pasted text” \(3,900 characters\).*saved.*Press Train to start\./);
  await play.at(0);
  await paste(play, TEXT.toUpperCase(), 'loud.txt');
  await play.says(/trains on “loud.txt”/);
});

test('the link carries the whole configuration to somebody else', async ({
  browser,
  context,
  page,
  play,
  site,
}) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: site.origin });
  await play.open('?preset=tiny&max_iters=77&learning_rate=0.004');
  await page.getByRole('textbox', { name: 'Prompt' }).fill('KING');
  await play.button('Copy link').click();
  await expect(page.getByText('Copied.')).toBeVisible();
  const link = await page.evaluate(() => navigator.clipboard.readText());
  expect(link).toContain('prompt=KING');

  const elsewhere = await browser.newContext();
  const other = new Playground(await elsewhere.newPage(), site);
  await other.open(link.slice(site.text.length));
  await expect(other.page.getByRole('textbox', { name: 'Prompt' })).toHaveValue('KING');
  await expect(other.step).toContainText('of 77');
  await elsewhere.close();
});

test('where copying is forbidden, the link is selected', async ({ page, play }) => {
  await page.addInitScript(() => {
    navigator.clipboard.writeText = () => Promise.reject(new DOMException('no', 'NotAllowedError'));
  });
  await play.open();
  await play.button('Copy link').click();
  await expect(page.getByText(/copy it yourself/)).toBeVisible();
  expect(await page.evaluate(() => getSelection()?.toString())).toContain('preset=tiny');
});
