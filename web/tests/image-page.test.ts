// What comes late on the images page, and belongs to something else by then.

import 'fake-indexeddb/auto';

import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { SessionClient } from '../src/client/client';
import type { Command, Event } from '../src/gen';
import { Measuring } from '../src/rooms/images/measuring.svelte';
import { ImagesPage } from '../src/rooms/images/page.svelte';
import type { Picture } from '../src/rooms/images/picture';
import { readImages } from '../src/rooms/images/url';
import { SavedRuns } from '../src/run/saved-runs';
import { stubBrowser } from './support/globals';
import { Answering } from './support/session';

const { readPicture } = vi.hoisted(() => ({
  readPicture: vi.fn<(file: File) => Promise<Picture>>(),
}));
vi.mock('../src/rooms/images/picture', async (original) => ({
  ...(await original<object>()),
  readPicture,
}));

/** A session that measures, and tells a test when it does. */
class Session extends Answering {
  measured: () => void = () => undefined;

  protected answer(command: Command): Event {
    if (command.type !== 'evaluate_images') throw new Error(`${command.type} was not expected`);
    this.measured();
    const { split } = command;
    const scores = { split, images: 9, steps: [], mistakes: [], confusion: [] };
    return { type: 'images_evaluated', step: 0, scores };
  }
}

let session: Session;

beforeEach(() => {
  session = new Session();
  stubBrowser();
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

test('more steps are not measured for another split', async () => {
  const measuring = new Measuring();
  const client = new SessionClient(session);
  const next = () => measuring.next(client, { inner: 6, outer: 4 }, true);
  measuring.ask();
  await next();
  expect(measuring.measured?.scores.split).toBe('test');
  session.measured = () => measuring.turn('val');
  await next();
  expect([measuring.split, measuring.measured, measuring.busy]).toEqual(['val', null, false]);
});

test('a picture that is decoded slowly replaces nothing that was chosen later', async () => {
  const spawn = () => new SessionClient(session);
  const page = new ImagesPage(readImages(''), spawn, new SavedRuns('trm-image-page'));
  const come: ((picture: Picture) => void)[] = [];
  readPicture.mockImplementation(() => new Promise((resolve) => come.push(resolve)));
  const decoded = async (at: number, name: string) => {
    come[at]?.({ name, width: 1, height: 1, rgba: Uint8Array.of(9, 9, 9, 255) });
    // The page reads it a few turns later.
    await new Promise((resolve) => setTimeout(resolve));
  };
  page.takeFile(new File([''], 'first.png'));
  page.input.choose('test', 5);
  await decoded(0, 'first.png');
  expect([page.input.kind, page.input.index]).toEqual(['stored', 5]);

  for (const name of ['second.png', 'third.png']) page.takeFile(new File([''], name));
  await decoded(2, 'third.png');
  await decoded(1, 'second.png');
  expect([page.input.kind, page.input.picture?.name]).toEqual(['picture', 'third.png']);
});
