// A browser that keeps nothing for the page: every room works, and says so once.

import { TESTIDS } from '../src/testids';
import { Puzzles, shippedSolver } from './support/solver';
import { expect, test } from './support/test';

const REFUSE = "throw new DOMException('The operation is insecure.', 'SecurityError');";

/** What browsers do where storage is forbidden; run before the page's own code. */
const REFUSALS: [string, string][] = [
  ['IndexedDB is undefined', "Object.defineProperty(window, 'indexedDB', { value: undefined });"],
  [
    'IndexedDB throws when it is looked at',
    `Object.defineProperty(window, 'indexedDB', { get() { ${REFUSE} } });`,
  ],
  ['IndexedDB throws when it is opened', `IDBFactory.prototype.open = () => { ${REFUSE} };`],
  [
    'IndexedDB fails when it is opened',
    // As after a downgrade of the browser: what is kept has a newer version.
    `const open = IDBFactory.prototype.open;
     IDBFactory.prototype.open = function (name) {
       open.call(this, name + '-newer', 5);
       return open.call(this, name + '-newer', 1);
     };`,
  ],
];

for (const [name, script] of REFUSALS) {
  test(`${name}: the page trains all the same and says so once`, async ({ page, play }) => {
    await page.addInitScript(script);
    await play.open();
    await play.says(/does not let the page store anything/);
    await page.getByRole('button', { name: 'Close' }).click();
    await play.stepOnce(2);
    await play.button('Train').click();
    await play.reach(20);
    await play.button('Pause').click();
    await play.phase('paused');
    await expect(play.notice.getByRole('paragraph')).toHaveCount(0);
  });
}

test('what takes the place of a run that nothing stores does not say that it is in the Library', async ({
  page,
  play,
}) => {
  for (const [, script] of REFUSALS.slice(0, 1)) await page.addInitScript(script);
  await play.open();
  await play.says(/does not let the page store anything/);
  await play.stepOnce();
  const text = 'she sells sea shells by the sea shore.\n'.repeat(100);
  await play.paste(text);
  await play.says('so it was not replaced');
  // Asked a second time, the run is discarded.
  await play.button('Train on this text').click();
  await play.says(/trains on “own text”/);
  await expect(play.notice).not.toContainText('Library');
  await play.phase('training');
  await play.button('Pause').click();
});

test('all storage throws: text, puzzles, images and the start page are shown', async ({
  models,
  page,
  play,
  site,
}) => {
  await models.serve(shippedSolver());
  for (const [, script] of REFUSALS.slice(1, 2)) await page.addInitScript(script);
  await page.addInitScript(`
    Object.defineProperty(window, 'localStorage', { get() { ${REFUSE} } });
    Object.defineProperty(window, 'sessionStorage', { get() { ${REFUSE} } });
    StorageManager.prototype.getDirectory = () => { ${REFUSE} };
    StorageManager.prototype.estimate = () => { ${REFUSE} };
    LockManager.prototype.request = () => { ${REFUSE} };
  `);
  await page.goto(site.url);
  await page.getByRole('button', { name: /^Switch to/ }).click();
  await expect(page.getByTestId(TESTIDS.solving)).toBeVisible();
  await new Puzzles(page, site).open();
  await play.says(/does not let the page store anything/);
  await page.goto(`${site.url}images.html?preset=digits`);
  await play.phase('paused');
  await play.open();
  await play.stepOnce();
});
