// A page with its run, whose worker crashes.

import 'fake-indexeddb/auto';

import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { SessionClient } from '../src/client/client';
import { type Command, type Event, type Failure, type RunConfig, tokensPerStep } from '../src/gen';
import { PuzzlesPage } from '../src/rooms/puzzles/page.svelte';
import { readPuzzle } from '../src/rooms/puzzles/url';
import { preset } from '../src/run/presets';
import { SavedRuns } from '../src/run/saved-runs';
import { stubBrowser } from './support/globals';
import { Answering } from './support/session';

const commands: Command['type'][] = [];
/** Requests for steps, of all sessions. */
let asked = 0;

const failed = (kind: Failure['kind'], message: string): Event => ({
  type: 'failed',
  failure: { kind, message, hint: '' },
});

/** A session that trains only with puzzles, which a saved run is loaded without. */
class Session extends Answering {
  #config: RunConfig | null = preset('sudoku-4x4');
  #step = 0;
  #puzzles = false;

  override postMessage(message: { id: number; command: Command; kind?: string }): void {
    // Training would leave no time for the test: its last request stays open.
    if (message.kind !== 'open' && message.command.type === 'step' && ++asked === 4) return;
    if (message.kind !== 'open') return super.postMessage(message);
    const device = { info: { backend: 'cpu', name: 'CPU' }, reason: '' };
    this.reply({ id: message.id, ok: true, kind: 'opened', device });
  }

  protected answer(command: Command): Event {
    commands.push(command.type);
    switch (command.type) {
      case 'step': {
        if (asked === 2) return failed('device', 'out of memory');
        if (!this.#puzzles) return failed('data', 'loaded without training puzzles');
        const report = () => ({ step: ++this.#step, loss: 1, learning_rate: 0.1, depth: 1 });
        return { type: 'stepped', reports: Array.from({ length: command.n }, report) };
      }
      case 'save': {
        const files = { checkpoint: new Uint8Array(), optimizer: new Uint8Array() };
        return { type: 'saved', saved: { ...files, step: this.#step } };
      }
      case 'load':
        this.#step = 1;
        break;
      case 'create':
        this.#config = command.config;
        this.#puzzles = true;
        break;
      case 'attach':
        this.#puzzles = true;
        break;
      default:
        return failed('puzzle', 'there are no answers');
    }
    const config = this.#config;
    if (!config) throw new Error('the preset is missing');
    const sizes = { parameters: 10, step: this.#step, train_tokens: 100, val_tokens: 0 };
    const rates = { chance_loss: 1, training_flops_per_token: 1 };
    return {
      type: 'ready',
      summary: {
        ...{ config, family: 'puzzles', vocab: { kind: 'plain', size: 5 } },
        ...{ ...sizes, ...rates, trainable: this.#puzzles, tokens_per_step: tokensPerStep(config) },
      },
    };
  }
}

beforeEach(stubBrowser);

afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

/** A busy machine takes its time. */
const until = (check: () => void) => vi.waitFor(check, 20_000);

test('puzzles are attached to a run again before its training goes on after a crash', async () => {
  const spawn = () => new SessionClient(new Session());
  const page = new PuzzlesPage(readPuzzle('?preset=sudoku-4x4'), spawn, new SavedRuns('trm-loop'));
  void page.live();
  await until(() => expect(page.phase).toBe('paused'));
  page.single();
  await until(() => expect(page.autosave.savedAt).not.toBeNull());
  page.train();
  await until(() => expect(asked).toBe(4));
  const told = ['create', 'load', 'attach', 'step'];
  const made = commands.filter((type) => told.includes(type));
  expect(made).toEqual(['create', 'step', 'step', 'load', 'attach', 'step']);
  expect([page.phase, page.state.step]).toEqual(['training', 2]);
  expect(page.notice?.message).toBe('Out of memory.');
});
