// A text of one's own, pasted or dropped, and texts that cannot be used.

import { expect, test } from './support/test';
import { TESTIDS } from '../src/testids';

const TEXT = 'she sells sea shells by the sea shore.\n'.repeat(100);
// ln of its 13 characters: s h e l a b y t o r, space, full stop, new line.
const CHANCE = Math.log(new Set(TEXT).size).toFixed(3);

test('a pasted text is trained on', async ({ page, play }) => {
  await play.open();
  await play.stepOnce();
  await page.getByRole('textbox', { name: 'Prompt' }).fill('she');
  await play.paste(TEXT);
  await expect(page.getByTestId(TESTIDS.chance)).toHaveText(CHANCE);
  // It is trained at once, and the tab that shows it is open.
  await expect(page.getByRole('tabpanel', { name: 'Train' })).toBeVisible();
  await play.pauseAt(60);
  expect(Number(await play.loss.innerText())).toBeLessThan(Number(CHANCE) - 0.5);
  await page.getByRole('button', { name: 'Back to Shakespeare' }).click();
  await expect(page.getByTestId(TESTIDS.chance)).toHaveText('4.174');
});

test('a dropped text is trained on', async ({ page, play }) => {
  await play.open();
  await play.drop('shells.txt', TEXT);
  await expect(page.getByTestId(TESTIDS.chance)).toHaveText(CHANCE);
  await play.stepOnce(2);
});

const UNUSABLE: [string, Uint8Array | string, RegExp][] = [
  ['empty.txt', '', /empty/i],
  ['short.txt', 'too short', /block|short|character|token/i],
  [
    'latin1.txt',
    Uint8Array.of(0x63, 0x61, 0x66, 0xe9, 0x0a),
    /neither a .safetensors file nor UTF-8 text/,
  ],
];

for (const [name, content, message] of UNUSABLE) {
  test(`${name} is refused with one message, and the run stays`, async ({ play }) => {
    await play.open();
    await play.stepOnce(2);
    await play.drop(name, content);
    await play.says(message);
    await play.at(2);
    await play.stepOnce();
  });
}
