// One file format, both ways, through the page.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { DepthLoss } from '../src/gen';
import { trm, trmJson, withFolder } from './support/native';
import { trainNatively } from './support/numbers';
import { metadata } from './support/playground';
import { expect, test } from './support/test';

test('a saved checkpoint is dropped on a new page, trains on, and is the same format', async ({
  browser,
  play,
  site,
}) => {
  await play.open();
  await play.trainTo(30);
  const steps = await play.steps();
  const { name, bytes } = await play.download();
  expect(name).toMatch(/^trm-tiny-\d+\.safetensors$/);
  expect(metadata(bytes)).toMatchObject({ format: 'trm/1', step: String(steps) });

  // Another visitor, who has nothing of this in the browser.
  const context = await browser.newContext();
  const { Playground } = await import('./support/playground');
  const other = new Playground(await context.newPage(), site);
  await other.open('?preset=page-tiny');
  await other.drop(name, bytes);
  await other.says(`Checkpoint loaded at step ${steps}`);
  await other.at(steps);
  await other.stepOnce();
  const again = metadata((await other.download()).bytes);
  expect(Object.keys(again).sort()).toEqual(Object.keys(metadata(bytes)).sort());
  expect(again['step']).toBe(String(steps + 1));
  await context.close();
});

test('a native checkpoint is dropped on the page, trained on, and read natively again', async ({
  play,
}) => {
  await withFolder(async (folder) => {
    const run = trainNatively(folder, 20);
    await play.open('?preset=page-tiny');
    await play.drop('last.safetensors', readFileSync(join(run, 'last.safetensors')));
    await play.says('Checkpoint loaded at step 20');
    await play.at(20);
    const { bytes } = await play.download();
    const file = join(folder, 'browser.safetensors');
    writeFileSync(file, bytes);
    const { depths } = trmJson<{ depths: DepthLoss[] }>(
      'eval',
      file,
      '--depths',
      '1..2',
      '--device',
      'cpu',
    );
    expect(depths.map((row) => row.depth)).toEqual([1, 2]);
    expect(
      trm('generate', file, '--max-new-tokens', '20', '--device', 'cpu').length,
    ).toBeGreaterThan(10);
  });
});

test('files that are no checkpoint are refused with one message, and the run stays', async ({
  play,
}) => {
  await play.open();
  await play.stepOnce(2);
  const { bytes } = await play.download();
  const poisoned = Buffer.from(bytes);
  poisoned.writeFloatLE(NaN, poisoned.length - 4);
  const foreign = Buffer.from('{"weights": "elsewhere"}');
  for (const [name, content] of [
    ['truncated', bytes.subarray(0, bytes.length / 2)],
    ['empty', Buffer.alloc(0)],
    ['foreign', foreign],
    ['nan', poisoned],
  ] as const) {
    await play.drop(`${name}.safetensors`, content);
    await play.says(/checkpoint|safetensors|file/i);
    await play.button('Close').click();
    await expect(play.notice.getByRole('paragraph')).toHaveCount(0);
    await play.at(2);
  }
  await play.stepOnce();
});
