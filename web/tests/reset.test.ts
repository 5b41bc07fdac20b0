// A page with its run: what Reset begins again.

import 'fake-indexeddb/auto';

import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { SessionClient } from '../src/client/client';
import { type Command, type Event, type RunConfig, tokensPerStep } from '../src/gen';
import { ImagesPage } from '../src/rooms/images/page.svelte';
import { readImages } from '../src/rooms/images/url';
import { SavedRuns } from '../src/run/saved-runs';
import { same, settingOf, withSetting } from '../src/run/settings';
import { stubBrowser } from './support/globals';
import { Answering } from './support/session';

const created: RunConfig[] = [];

/** A session that begins runs, and has no images. */
class Session extends Answering {
  override postMessage(message: { id: number; command: Command; kind?: string }): void {
    if (message.kind !== 'open') return super.postMessage(message);
    const device = { info: { backend: 'cpu', name: 'CPU' }, reason: '' };
    this.reply({ id: message.id, ok: true, kind: 'opened', device });
  }

  protected answer(command: Command): Event {
    if (command.type === 'save') {
      const files = { checkpoint: new Uint8Array(), optimizer: new Uint8Array() };
      return { type: 'saved', saved: { ...files, step: 0 } };
    }
    if (command.type !== 'create') {
      const failure = { kind: 'image', message: 'there are no images', hint: '' } as const;
      return { type: 'failed', failure };
    }
    const { config } = command;
    created.push(config);
    const vocab = { kind: 'classes' as const, names: ['a', 'b'] };
    const sizes = { parameters: 10, step: 0, train_tokens: 100, val_tokens: 100 };
    const rates = { chance_loss: 1, training_flops_per_token: 1 };
    return {
      type: 'ready',
      summary: {
        ...{ config, vocab, family: 'images', trainable: true },
        ...{ ...sizes, ...rates, tokens_per_step: tokensPerStep(config) },
      },
    };
  }
}

beforeEach(() => {
  created.length = 0;
  stubBrowser();
  vi.stubGlobal('fetch', (url: URL | string) => {
    const none = String(url).includes('manifest');
    return Promise.resolve(none ? new Response(null, { status: 404 }) : new Response('0,1'));
  });
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

/** A busy machine takes its time. */
const until = (check: () => void) => vi.waitFor(check, 20_000);

test('Reset begins the run again as it is, and a new run as the form says', async () => {
  const spawn = () => new SessionClient(new Session());
  const address = readImages('?preset=digits&hidden_size=40');
  const page = new ImagesPage(address, spawn, new SavedRuns('trm-reset'));
  void page.live();
  await until(() => expect(page.phase).toBe('paused'));
  const layers = settingOf('n_layers');
  if (!layers) throw new Error('there is no such setting');
  const typed = withSetting(page.draft, layers, 3);
  page.draft = typed;
  page.reset();
  // The form shows the run that has begun.
  await until(() => expect(same(page.draft, address.config)).toBe(true));
  page.draft = typed;
  page.restart();
  await until(() => expect(created).toHaveLength(3));
  expect(created.map((config) => same(config, address.config))).toEqual([true, true, false]);
  expect(created.map((config) => same(config, typed))).toEqual([false, false, true]);
});
