// The browser's CPU against the native binary: the same numbers both ways.

import { withFolder } from './support/native';
import { expectSameCurve, roundTrip } from './support/numbers';
import { Session } from './support/session';
import { expect, test } from './support/test';

for (const kind of ['cpu', 'cpu-relaxed'] as const) {
  test(`a native checkpoint gives the same logits in ${kind}, trains on and goes back`, async ({
    page,
    site,
  }) => {
    const session = await Session.open(page, site, kind);
    expect(session.device.backend).toBe('cpu');
    await withFolder((folder) =>
      roundTrip(session, folder, { tolerance: 1e-4, steps: 10, validate: true }),
    );
  });

  test(`200 steps in ${kind} follow the native curve`, async ({ page, site }) => {
    const session = await Session.open(page, site, kind);
    // Rounding differs, and training multiplies it: tight at first, looser later.
    const tolerance = (step: number) => (step <= 20 ? 1e-4 : 2e-2);
    await withFolder((folder) =>
      expectSameCurve(session, folder, { steps: 200, tolerance, fall: 1 }),
    );
  });
}
