// Which run a page begins with, what becomes of the saved one, and the way back after a crash.

import 'fake-indexeddb/auto';

import { IDBFactory } from 'fake-indexeddb';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { SessionClient } from '../src/client/client';
import { type Command, type Event, type RunConfig, tokensPerStep } from '../src/gen';
import { ImageDatasets } from '../src/rooms/images/datasets';
import { readImages, STANDARD } from '../src/rooms/images/url';
import { readHeader } from '../src/run/checkpoint';
import { Gallery } from '../src/run/gallery.svelte';
import { handedOver, handOver } from '../src/run/handover';
import { Machine } from '../src/run/machine.svelte';
import type { Shipped } from '../src/run/manifest';
import { Notices } from '../src/run/notices.svelte';
import { PastRuns } from '../src/run/past-runs.svelte';
import { preset } from '../src/run/presets';
import { Runs } from '../src/run/runs.svelte';
import { CURRENT, type SavedRun, SavedRuns } from '../src/run/saved-runs';
import { same, settingOf, withSetting } from '../src/run/settings';
import type { Training } from '../src/run/training.svelte';
import { Idle } from './support/idle';
import { Answering } from './support/session';

const DIGITS = preset(STANDARD) ?? fail();
const WIDE = changed(DIGITS, 'hidden_size', 40);
const BASE = Uint8Array.of(1, 2, 3);

function fail(): never {
  throw new Error('the preset is missing');
}

function changed(config: RunConfig, key: string, value: number): RunConfig {
  return withSetting(config, settingOf(key) ?? fail(), value);
}

/** A checkpoint; `base`: whether it needs a frozen base. */
function checkpoint(config: RunConfig, step: number, base = false): Uint8Array {
  const about = { config: JSON.stringify(config) };
  const named = { base: JSON.stringify({ name: 'vit.safetensors', sha256: 'a'.repeat(64) }) };
  const metadata = { __metadata__: base ? { ...about, ...named } : about };
  const header = new TextEncoder().encode(JSON.stringify(metadata));
  const file = new Uint8Array(8 + header.length + 1).fill(step);
  new DataView(file.buffer).setBigUint64(0, BigInt(header.length), true);
  file.set(header, 8);
  return file;
}

/** A session that loads what a checkpoint says of itself. */
class Session extends Answering {
  readonly asked: Command[] = [];
  crashes: Command['type'] | null = null;
  #config = DIGITS;
  #step = 0;

  get types(): string[] {
    return this.asked.map(({ type }) => type);
  }

  protected answer(command: Command): Event {
    this.asked.push(command);
    if (command.type === this.crashes) {
      const failure = { kind: 'device', message: 'out of memory', hint: '' } as const;
      return { type: 'failed', failure };
    }
    switch (command.type) {
      case 'create':
        [this.#config, this.#step] = [command.config, 0];
        break;
      case 'load': {
        if (readHeader(command.checkpoint)?.base && command.base?.length !== BASE.length) {
          const failure = { kind: 'base', message: 'it needs vit.safetensors', hint: '' } as const;
          return { type: 'failed', failure };
        }
        const header = JSON.stringify(readHeader(command.checkpoint)?.config);
        this.#config = [DIGITS, WIDE].find((each) => JSON.stringify(each) === header) ?? fail();
        this.#step = command.checkpoint.at(-1) ?? 0;
        break;
      }
      case 'configure':
        this.#config = command.config;
        break;
      case 'save': {
        const step = this.#step;
        const files = { checkpoint: checkpoint(this.#config, step), optimizer: new Uint8Array() };
        return { type: 'saved', saved: { ...files, step } };
      }
      default:
        throw new Error(`${command.type} was not expected`);
    }
    const [config, step] = [this.#config, this.#step];
    return {
      type: 'ready',
      summary: {
        ...{ config, step, vocab: { kind: 'classes', names: ['a', 'b'] }, parameters: 10 },
        ...{ trainable: true, train_tokens: 100, val_tokens: 100, chance_loss: 1 },
        ...{
          training_flops_per_token: 1,
          family: 'images',
          tokens_per_step: tokensPerStep(config),
        },
      },
    };
  }
}

class Recorded extends Idle {
  /** The configurations of all runs that were current. */
  readonly configs: RunConfig[] = [];

  override begin(...[summary, , history]: Parameters<Training['begin']>): void {
    this.configs.push(summary.config);
    this.begun(summary, history);
  }
}

function record(config: RunConfig, step: number, base = false): SavedRun {
  return {
    ...{ id: CURRENT, preset: STANDARD, dataset: 'digits', text: null, step, savedAt: 1000 + step },
    ...{ checkpoint: checkpoint(config, step, base), optimizer: Uint8Array.of(7), config },
    history: { training: [{ step, loss: 2 }], validation: [], elapsed: 10 },
  };
}

/** A model of the page. */
function slow(): Shipped {
  const file = { file: 'slow.safetensors', bytes: 9, sha256: 'a'.repeat(64), parameters: 10 };
  const made = { config: DIGITS, variant: 'trm_vit', dataset: 'digits', command: '', seed: 1 };
  const rest = { hardware: '', minutes: 1, step: 3, losses: [], description: '' };
  return { name: 'slow', title: 'Slow', ...file, ...made, ...rest };
}

let store: SavedRuns;
let session: Session;
let run: Recorded;
let runs: Runs;
let notices: Notices;
let past: PastRuns;
let gallery: Gallery;

beforeEach(() => {
  vi.stubGlobal('indexedDB', new IDBFactory());
  vi.stubGlobal('navigator', {});
  vi.stubGlobal('document', { baseURI: 'http://localhost/' });
  vi.stubGlobal('location', { search: '' });
  // The digits, and no models.
  vi.stubGlobal('fetch', (url: URL | string) => {
    const none = String(url).includes('manifest');
    return Promise.resolve(none ? new Response(null, { status: 404 }) : new Response('0,1'));
  });
  vi.spyOn(console, 'info').mockImplementation(() => undefined);
  store = new SavedRuns('trm-images');
  session = new Session();
  notices = new Notices();
  past = new PastRuns();
  const client = () => new SessionClient(session);
  const machine = new Machine(client, { device: 'cpu', software: false }, 'images');
  run = new Recorded(machine, DIGITS);
  gallery = new Gallery('http://localhost/', 'images');
  const page = { machine, run, gallery, notices, past, store, datasets: new ImageDatasets() };
  const remember = () => vi.stubGlobal('location', { search: '?rewritten' });
  runs = new Runs({ ...page, family: 'images', standard: STANDARD, remember }, STANDARD);
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

/** Opens the page at an address. */
async function open(search: string): Promise<void> {
  vi.stubGlobal('location', { search });
  const address = readImages(search);
  await runs.begin(address, address.handed);
}

const steps = (all: readonly SavedRun[]) => all.map(({ step }) => step);

describe('an address and a saved run', () => {
  test('that is another one: it is set aside, and never shown', async () => {
    await store.save(record(WIDE, 5));
    await open('?preset=digits&learning_rate=0.01&image=3');
    expect(session.types).not.toContain('load');
    expect(run.configs.map(({ train }) => train.learning_rate)).toEqual([0.01]);
    expect(steps(runs.saved.runs)).toEqual([5]);
    expect((await store.load(CURRENT))?.step).toBe(0);
    // It can be compared with.
    expect(past.runs.map(({ step }) => step)).toEqual([5]);
    expect(past.runs[0]?.id).toBe(runs.saved.runs[0]?.id);
  });

  test('that is the same: it goes on', async () => {
    await store.save(record(WIDE, 5));
    await open('?preset=digits&hidden_size=40');
    expect(session.types).toEqual(['load']);
    expect([run.state.step, run.state.training.length]).toEqual([5, 1]);
    expect(past.runs).toEqual([]);
  });

  test('of before a setting existed: the run itself says whether it is the same', async () => {
    const old = structuredClone(WIDE);
    Reflect.deleteProperty(old.train, 'learning_rate');
    await store.save({ ...record(WIDE, 5), config: old });
    await open('?preset=digits&hidden_size=40');
    expect(session.types).toEqual(['load']);
    expect(run.state.step).toBe(5);
  });

  test('that asks for nothing: the run goes on', async () => {
    await store.save(record(WIDE, 5));
    await open('');
    expect(session.types).toEqual(['load']);
    expect(run.state.step).toBe(5);
  });

  test('of before settings were saved beside it: it goes on', async () => {
    await store.save({ ...record(WIDE, 5), config: undefined });
    await open('?preset=digits&hidden_size=40');
    expect(run.state.step).toBe(5);
  });

  test('of another page: the run stays, and the link leads there with all of the address', async () => {
    await store.save(record(WIDE, 5));
    await open('?preset=sudoku-4x4&steps=9');
    expect(run.state.step).toBe(5);
    expect((await store.load(CURRENT))?.step).toBe(5);
    expect(await store.kept()).toEqual([]);
    expect(notices.shown?.message).toBe(
      'This preset is for a puzzle solver, which this page cannot open.',
    );
    expect(notices.shown?.link?.href).toBe('puzzles.html?preset=sudoku-4x4&steps=9');
  });

  test('with settings of another model: they are named, and the others are used', async () => {
    vi.spyOn(gallery, 'find').mockResolvedValue(slow());
    vi.spyOn(gallery, 'bring').mockResolvedValue(checkpoint(DIGITS, 3));
    notices.complain(['A word is unknown.']);
    await open('?checkpoint=slow&recursion_steps=3&learning_rate=0.5');
    const { model, train } = run.state.summary?.config ?? fail();
    expect([model, train.learning_rate]).toEqual([DIGITS.model, 0.5]);
    const strange = 'The model of “slow” has no setting recursion_steps.';
    expect(notices.shown?.message).toBe(`A word is unknown. ${strange}`);
  });

  test('with problems: they are still told once another run has taken its place', async () => {
    await store.save(record(WIDE, 5));
    notices.tell('bad', 'one problem', 'All other parts of the address are used.');
    await open('?preset=digits&learning_rate=fast');
    expect(steps(runs.saved.runs)).toEqual([5]);
    expect(notices.shown?.message).toBe('One problem.');
  });
});

describe('a file from another page', () => {
  test('is saved at once, and only then forgotten', async () => {
    await handOver(checkpoint(WIDE, 8));
    await open('?handed=1');
    expect(run.state.step).toBe(8);
    expect((await store.load(CURRENT))?.step).toBe(8);
    expect(await handedOver()).toBeNull();
  });

  test('that does not arrive is missed, and the page begins as without', async () => {
    await store.save(record(WIDE, 5));
    await open('?handed=1');
    expect(notices.shown).toEqual({
      tone: 'bad',
      message: 'The file from the other page did not arrive.',
      hint: 'Drop it here again.',
    });
    expect(run.state.step).toBe(5);
  });

  test('that the page crashes on is there for the next attempt', async () => {
    await handOver(checkpoint(WIDE, 8));
    session.crashes = 'load';
    await expect(open('?handed=1')).rejects.toThrow('out of memory');
    expect(await handedOver()).not.toBeNull();
  });

  test('that cannot be opened is forgotten, unless it belongs to another page', async () => {
    await store.save(record(DIGITS, 5, true));
    await handOver(checkpoint(WIDE, 8, true));
    await open('?handed=1');
    expect(notices.shown?.message).toBe('It needs vit.safetensors.');
    expect(await handedOver()).toBeNull();
  });

  test('that belongs to another page stays, also where the saved run cannot be opened', async () => {
    await store.save(record(DIGITS, 5, true));
    await handOver(checkpoint(preset('tiny') ?? fail(), 8));
    await open('?handed=1');
    expect(notices.shown?.link?.href).toBe('language.html?handed=1');
    expect(await handedOver()).not.toBeNull();
  });

  test('takes the place of the saved run', async () => {
    await store.save(record(DIGITS, 5));
    await handOver(checkpoint(WIDE, 8));
    await open('?handed=1');
    expect((await store.load(CURRENT))?.step).toBe(8);
    expect(steps(runs.saved.runs)).toEqual([5]);
  });
});

test('who does not wait for a model trains a new run, and is not told of the model', async () => {
  await store.save(record(WIDE, 5));
  let failed: (error: Error) => void = () => undefined;
  vi.stubGlobal('fetch', (url: URL | string) =>
    String(url).includes('slow')
      ? new Promise((_, reject) => (failed = reject))
      : Promise.resolve(new Response('0,1')),
  );
  vi.spyOn(gallery, 'find').mockResolvedValue(slow());
  const opening = open('?checkpoint=slow');
  await vi.waitFor(() => expect(gallery.fetching['slow']?.state).toBe('coming'));
  const train = vi.fn(() => void run.train());
  runs.skip(train);
  await opening;
  expect([run.state.step, run.phase, train.mock.calls.length]).toEqual([0, 'training', 1]);
  expect(session.types).not.toContain('load');
  expect(steps(runs.saved.runs)).toEqual([5]);
  failed(new TypeError('offline'));
  await new Promise((resolve) => setTimeout(resolve));
  expect([gallery.fetching, notices.shown]).toEqual([{}, null]);
});

describe('a saved run that cannot be opened', () => {
  test('is set aside, and opens once its base is given', async () => {
    await store.save(record(WIDE, 5, true));
    await open('');
    expect(run.state.step).toBe(0);
    expect(same(run.configs[0] ?? WIDE, DIGITS)).toBe(true);
    expect(steps(runs.saved.runs)).toEqual([5]);
    expect(notices.shown).toMatchObject({
      tone: 'bad',
      message: 'The saved run was not opened: it needs vit.safetensors.',
    });
    expect(notices.shown?.hint).toContain('Drop or load that file too');
    await runs.replace(() => runs.current.load(BASE));
    expect(run.state.step).toBe(5);
    // With all that was learned, and in its place again.
    expect(session.asked.findLast(({ type }) => type === 'load')).toMatchObject({
      optimizer: Uint8Array.of(7),
    });
    expect((await store.load(CURRENT))?.step).toBe(5);
    expect(steps(runs.saved.runs)).toEqual([]);
  });

  test('keeps no page from opening what the address asks for', async () => {
    await store.save(record(DIGITS, 5, true));
    await open('?preset=digits');
    expect(run.state.step).toBe(0);
    expect(steps(await store.kept())).toEqual([5]);
  });
});

describe('an earlier run', () => {
  test('is resumed once, however often that is asked for', async () => {
    await store.save(record(WIDE, 5));
    await open('?preset=digits');
    const [kept] = runs.saved.runs;
    if (!kept) throw new Error('nothing was set aside');
    await runs.restore(kept);
    await runs.restore(kept);
    expect(session.types.filter((type) => type === 'load')).toHaveLength(1);
    expect(run.state.step).toBe(5);
    expect(await store.kept()).toEqual([]);
    // Nor can it be deleted any more.
    await runs.saved.discard(kept);
    expect(runs.saved.deleted).toBeNull();
  });
});

describe('after a crash', () => {
  test('a run that was not saved begins as it was, without what stands in the form', async () => {
    await open('?preset=digits&hidden_size=40');
    run.draft = changed(run.draft, 'n_layers', 3);
    await runs.back();
    expect(run.configs.map((config) => same(config, WIDE))).toEqual([true, true]);
  });

  test('a run that was resumed and lost before its first save is still listed', async () => {
    await store.save(record(WIDE, 5));
    await open('?preset=digits');
    const [kept] = runs.saved.runs;
    if (!kept) throw new Error('nothing was set aside');
    session.crashes = 'save';
    await expect(runs.restore(kept)).rejects.toThrow('out of memory');
    session.crashes = null;
    await runs.back();
    await runs.autosave.save();
    expect(steps(await store.kept())).toEqual([5]);
  });
});
