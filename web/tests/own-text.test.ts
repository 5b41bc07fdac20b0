// A text of the visitor's own: the button trains on it, a dropped one waits for Train.

import 'fake-indexeddb/auto';

import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { SessionClient } from '../src/client/client';
import { type Command, type Event, tokensPerStep } from '../src/gen';
import { LanguagePage } from '../src/rooms/language/page.svelte';
import { read } from '../src/rooms/language/url';
import { SavedRuns } from '../src/run/saved-runs';
import { tabs } from '../src/ui/tabs.svelte';
import { stubBrowser } from './support/globals';
import { Answering } from './support/session';

const TEXT = 'she sells sea shells by the sea shore.\n'.repeat(100);

/** A session that begins runs and saves them. */
class Session extends Answering {
  protected answer(command: Command): Event {
    if (command.type === 'save') {
      const files = { checkpoint: Uint8Array.of(1), optimizer: new Uint8Array() };
      return { type: 'saved', saved: { ...files, step: 1 } };
    }
    if (command.type !== 'create') throw new Error(`${command.type} was not expected`);
    const { config } = command;
    const sizes = { parameters: 10, step: 0, train_tokens: 100, val_tokens: 100 };
    const rates = { chance_loss: 1, training_flops_per_token: 1 };
    return {
      type: 'ready',
      summary: {
        ...{ config, vocab: { kind: 'char', chars: ' \n.abehlorsty' } },
        ...{ family: 'language', trainable: true },
        ...{ ...sizes, ...rates, tokens_per_step: tokensPerStep(config) },
      },
    };
  }
}

/** A page that does what it was asked for, and nothing else. */
class Page extends LanguagePage {
  async settle(): Promise<void> {
    for (let task = this.queue.next(); task; task = this.queue.next()) await task();
  }

  /** As after a step of training. */
  learned(): void {
    this.run.state = { ...this.run.state, step: 1 };
  }
}

beforeEach(stubBrowser);

afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

test('a text from the field is trained on at once, a dropped or pasted one on request', async () => {
  const spawn = () => new SessionClient(new Session());
  const page = new Page(read('?preset=tiny'), spawn, new SavedRuns('trm-own-text'));
  tabs.open = 'library';
  page.takeText('shells.txt', TEXT);
  await page.settle();
  expect([page.phase, tabs.open]).toEqual(['paused', 'library']);
  expect(page.notice).toMatchObject({
    message: 'This run trains on “shells.txt” (3,900 characters).',
    hint: 'Press Train to start.',
  });

  // A run that is saved when it is replaced is named, and the hint stays.
  page.learned();
  page.takePasted(TEXT);
  await page.settle();
  expect(page.notice?.hint).toBe('The previous run is saved in the Library. Press Train to start.');

  page.learned();
  page.chooseText('own text', TEXT, 'tiny', true);
  await page.settle();
  expect([page.phase, tabs.open]).toEqual(['training', 'train']);
  expect(page.notice).toMatchObject({
    message: 'This run trains on “own text” (3,900 characters).',
    hint: 'The previous run is saved in the Library.',
  });
});
