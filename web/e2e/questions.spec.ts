// The Questions page: a base model is opened, kept and forgotten, a chat with it, and a
// recursive model on it. With tiny models, whose texts mean nothing.

import { TESTIDS } from '../src/testids';
import { expectNoViolation } from './support/axe';
import { withFolder } from './support/native';
import { offer, pair, Questions } from './support/questions';
import { expect, test } from './support/test';
import { tinyBase } from './support/tiny-base';

/** Bytes of the parts in which a base is kept. */
const PART = 4 << 20;

test('a base is opened, chats, is kept over a reload, and is forgotten', async ({ page, site }) => {
  const questions = new Questions(page, site);
  await questions.open();
  await expect(questions.base).toContainText('about 0.7 GB of memory');
  await questions.give(tinyBase());
  await questions.is('open');
  await expect(questions.base).toContainText('context length 512');
  await expect(questions.base).toContainText('kept in this browser');

  await questions.say('Hello');
  await expect(questions.messages).toHaveCount(2);
  await questions.say('And again');
  await expect(questions.messages).toHaveCount(4);
  await expect(questions.chat).toContainText(/tokens\/s|without/);
  await questions.button('New chat').click();
  await expect(questions.messages).toHaveCount(0);

  await questions.open('kept');
  await questions.button(/^Open tiny\.gguf/).click();
  await questions.is('open');
  await questions.button(/^Remove from this browser/).click();
  await questions.says(/removed/);
  // It stays open, and is gone afterwards.
  await questions.is('open');
  await questions.open('none');
});

test('a long chat shows its end, and a message that is refused is not lost', async ({
  page,
  site,
}) => {
  const questions = new Questions(page, site);
  await questions.open();
  await questions.give(tinyBase());
  await questions.is('open');
  await questions.say('a line\n'.repeat(20));
  await expect(questions.messages).toHaveCount(2);
  const log = page.getByRole('log', { name: 'Conversation' });
  const hidden = (element: HTMLElement) =>
    element.scrollHeight - element.clientHeight - element.scrollTop;
  expect(await log.evaluate((element) => element.scrollTop)).toBeGreaterThan(0);
  expect(await log.evaluate(hidden)).toBeLessThan(2);
  // The keyboard scrolls it.
  await log.focus();
  await page.keyboard.press('Home');
  await expect.poll(() => log.evaluate((element) => element.scrollTop)).toBe(0);

  const long = 'very '.repeat(200).trim();
  await page.getByRole('textbox', { name: 'Message' }).fill(long);
  await questions.button('Send').click();
  await questions.says(/reads 512 at most/);
  await expect(page.getByRole('textbox', { name: 'Message' })).toHaveValue(long);
  await expect(questions.messages).toHaveCount(2);
});

test('a recursive model runs on its base, and its answers change step by step', async ({ page, site }) => {
  await withFolder(async (folder) => {
    const { base, model } = pair(folder);
    const questions = new Questions(page, site);
    await questions.open();
    // The model waits for its base.
    await questions.giveModel(model);
    await questions.says(/needs its base model/);
    await questions.give(base);
    await questions.is('open');
    // It opens by itself.
    await expect(page.locator('main')).toContainText('trained for 3 steps', { timeout: 15_000 });

    await questions.ask('The ball is under cup A. Swap A and B. Which cup?');
    const answers = questions.asking.getByTestId(TESTIDS.answer);
    await expect(answers).toHaveCount(4);
    const depths = await answers.evaluateAll((all) => all.map((each) => each.dataset['depth']));
    expect(depths).toEqual(['0', '1', '2', '6']);
    const steps = page.getByTestId(TESTIDS.thinking).locator('tbody').getByRole('row');
    await expect(steps).toHaveCount(7);
    await expect(page.getByRole('img', { name: /Halting probability\. step 1: \d+ %/ })).toBeVisible();

    // Fewer depths, fewer steps.
    await page.getByRole('checkbox', { name: '6', exact: true }).uncheck();
    await page.getByRole('checkbox', { name: '2', exact: true }).uncheck();
    await questions.ask('The ball is under cup B. Which cup?');
    await expect(answers).toHaveCount(2);
    await expect(steps).toHaveCount(2);

    await questions.ask('very '.repeat(200));
    await questions.says(/latents/);
    // What was there is still there.
    await expect(answers).toHaveCount(2);
    await questions.button('Close').click();
    for (const size of [
      { width: 1440, height: 900 },
      { width: 320, height: 640 },
    ]) {
      await page.setViewportSize(size);
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(size.width);
      for (const colours of ['dark', 'light']) {
        await page.getByRole('button', { name: `Switch to ${colours} theme` }).click();
        await expectNoViolation(page);
      }
    }

    // Another base of the same sizes, then one with another number of layers.
    await questions.give(tinyBase({ seed: 2 }), 'other.gguf');
    await questions.holds('other.gguf');
    await questions.giveModel(model);
    await questions.says(/other\.gguf is not the frozen base of this model/i);
    await questions.give(tinyBase({ layers: 3 }), 'deeper.gguf');
    await questions.holds('3 layers');
    await questions.giveModel(model);
    await questions.says(/deeper\.gguf has n_layers 3, but this model needs 2/i);
  });
});

test('a site says whether it looks for its models, cannot read their list, or has none', async ({
  context,
  page,
  site,
}) => {
  const list = '**/checkpoints/manifest.json';
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  await context.route(list, async (route) => {
    await held;
    await route.fulfill({ status: 500 });
  });
  const { asking } = new Questions(page, site);
  const none = 'This site has no pre-trained model.';
  await page.goto(`${site.url}questions.html`);
  await expect(asking).toContainText('Looking for the models of this site …');
  await expect(asking).not.toContainText(none);
  release();
  await expect(asking).toContainText('The list of models could not be read. Reload the page');
  await expect(asking).not.toContainText(none);
  await context.unroute(list);
  await page.reload();
  await expect(asking).toContainText(none);
  // What other pages cannot open is no dead end here.
  await page.goto(`${site.url}questions.html?preset=cups-5&utm_source=a`);
  await expect(page.getByTestId(TESTIDS.notice)).toContainText('trm-native train cups-5');
});

test('the buttons that send and ask keep the focus', async ({ page, site }) => {
  await withFolder(async (folder) => {
    const { base, model } = pair(folder);
    const questions = new Questions(page, site);
    await questions.open();
    await questions.give(base);
    await questions.is('open');
    await page.getByRole('textbox', { name: 'Message' }).fill('Hello');
    await expect(questions.button('Send')).toBeEnabled();
    await questions.button('Send').press('Enter');
    await expect(questions.messages).toHaveCount(2);
    await expect(questions.button('Send')).toBeFocused();
    // Nothing is in the field now, so nothing is sent.
    await expect(questions.button('Send')).toBeDisabled();
    await page.keyboard.press('Enter');
    await expect(questions.messages).toHaveCount(2);
    // A new chat begins with a message.
    await questions.button('New chat').press('Enter');
    await expect(page.getByRole('textbox', { name: 'Message' })).toBeFocused();

    await questions.giveModel(model);
    await expect(page.locator('main')).toContainText('trained for 3 steps', { timeout: 15_000 });
    await page.getByRole('textbox', { name: 'Question' }).fill('The ball is under cup A. Which cup?');
    await expect(questions.button('Ask')).toBeEnabled();
    await questions.button('Ask').press('Enter');
    await expect(questions.asking.getByTestId(TESTIDS.answer)).toHaveCount(4);
    await expect(questions.button('Ask')).toBeFocused();
    await expect(questions.button('Ask')).toBeEnabled();
  });
});

test('files that cannot be used are named, and change nothing', async ({ page, site }) => {
  const questions = new Questions(page, site);
  await questions.open();
  const whole = tinyBase();
  const refused: [Buffer, RegExp][] = [
    [whole.subarray(0, whole.length - 3000), /truncated/],
    [whole.subarray(0, 700), /truncated/],
    [tinyBase({ type: 12 }), /holds Q4_K, but only/],
    [tinyBase({ strangers: 5 }), /264 tokens, but the embedding has 259 rows/],
    [Buffer.alloc(0), /empty/],
    [Buffer.from('no model'), /neither a base model nor a checkpoint/],
  ];
  await questions.giveModel(Buffer.from('no model at all'), 'none.safetensors');
  await questions.says(/“none\.safetensors” is not a checkpoint/);
  for (const [file, why] of refused) {
    await questions.give(file);
    await questions.says(why);
    await questions.is('none');
  }
  // Nothing of them was kept, and the page still works.
  await questions.open('none');
  await questions.give(whole);
  await questions.is('open');
});

test('a download that breaks off goes on where it stopped', async ({ context, page, site }) => {
  const file = tinyBase({ size: PART + 5000 });
  let broken = true;
  const ranges: (string | null)[] = [];
  await offer(context, file, (range) => {
    ranges.push(range);
    if (broken) return { status: 200, body: file.subarray(0, PART + 1000) };
    const from = Number(/bytes=(\d+)-/.exec(range ?? '')?.[1] ?? 0);
    const headers = { 'content-range': `bytes ${from}-${file.length - 1}/${file.length}` };
    return { status: 206, body: file.subarray(from), headers };
  });
  const questions = new Questions(page, site);
  await questions.open();
  await questions.button(/^Get it from this site/).click();
  await questions.says(/interrupted after 4\.2 MB/);
  await questions.is('none');
  // Also after a reload, half a model is none.
  await questions.open('none');
  broken = false;
  await questions.button(/^Get it from this site/).click();
  await questions.is('open');
  expect(ranges).toEqual([null, `bytes=${PART}-`]);
  await questions.open('kept');
  await questions.button(/^Open tiny\.gguf/).click();
  await questions.is('open');
});

test('a server that sends the whole file again, and one that sends another file', async ({
  context,
  page,
  site,
}) => {
  const file = tinyBase({ size: PART + 5000 });
  const other = Buffer.concat([file.subarray(0, -1), Buffer.from([1])]);
  let body = file.subarray(0, PART + 1000);
  await offer(context, file, () => ({ status: 200, body }));
  const questions = new Questions(page, site);
  await questions.open();
  await questions.button(/^Get it from this site/).click();
  await questions.says(/interrupted/);
  body = other;
  await questions.button(/^Get it from this site/).click();
  await questions.says(/digest differs/);
  await questions.is('none');
  body = file;
  await questions.button(/^Get it from this site/).click();
  await questions.is('open');
});

test('a browser without room keeps nothing, and the base works all the same', async ({
  context,
  page,
  site,
}) => {
  await page.addInitScript(`
    FileSystemFileHandle.prototype.createWritable = async () => {
      throw new DOMException('full', 'QuotaExceededError');
    };
  `);
  const file = tinyBase({ size: PART + 5000 });
  await offer(context, file, () => ({ status: 200, body: file }));
  const questions = new Questions(page, site);
  await questions.open();
  await questions.button(/^Get it from this site/).click();
  await questions.says(/could not keep it/);
  await questions.is('open');
  await questions.say('Hello');
  await expect(questions.messages).toHaveCount(2);
  await questions.give(tinyBase());
  await questions.says(/could not keep it/);
  await questions.is('open');
  await questions.open('none');
});

test('storage that throws: the base opens and is not kept', async ({ page, site }) => {
  await page.addInitScript(`
    StorageManager.prototype.getDirectory = () => { throw new DOMException('no', 'SecurityError'); };
  `);
  const questions = new Questions(page, site);
  await questions.open();
  await questions.give(tinyBase());
  await questions.says(/could not keep it/);
  await questions.is('open');
  await expect(questions.button(/^Remove/)).toHaveCount(0);
});
