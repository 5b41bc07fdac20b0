// WebGPU against the native binary. The software adapter computes about a
// thousandth of what a real one does, so these stories are short.

import { withFolder } from './support/native';
import { expectSameCurve, roundTrip } from './support/numbers';
import { Session } from './support/session';
import { expect, test } from './support/test';

test('a native checkpoint gives the same logits on WebGPU, trains on and goes back', async ({
  page,
  site,
}) => {
  const session = await Session.open(page, site, 'gpu');
  expect(session.device.backend).toBe('webgpu');
  await withFolder((folder) =>
    roundTrip(session, folder, { tolerance: 1e-3, steps: 3, validate: false }),
  );
});

test("WebGPU's first steps follow the native curve", async ({ page, site }) => {
  const session = await Session.open(page, site, 'gpu');
  await withFolder((folder) =>
    expectSameCurve(session, folder, { steps: 8, tolerance: () => 1e-3, fall: 0 }),
  );
});
