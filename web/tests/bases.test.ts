import 'fake-indexeddb/auto';

import { beforeEach, describe, expect, test, vi } from 'vitest';

import { SessionClient } from '../src/client/client';
import { type Command, type Event, type RunSummary, tokensPerStep } from '../src/gen';
import { ImageDatasets } from '../src/rooms/images/datasets';
import { Bases } from '../src/run/bases';
import { readHeader } from '../src/run/checkpoint';
import { CurrentRun } from '../src/run/current-run.svelte';
import { Machine } from '../src/run/machine.svelte';
import type { Shipped } from '../src/run/manifest';
import { Notices } from '../src/run/notices.svelte';
import { preset } from '../src/run/presets';
import { Idle } from './support/idle';
import { Answering } from './support/session';

const DIGITS = preset('digits');
if (!DIGITS) throw new Error('the preset is missing');
const CONFIG = DIGITS;

const BASE = new Uint8Array([1, 2, 3]);
const OTHER = new Uint8Array([9, 9]);
const NAMED = { name: 'vit-tiny.safetensors', sha256: 'a'.repeat(64) };

function checkpoint(metadata: object): Uint8Array {
  const about = { config: JSON.stringify(CONFIG), ...metadata };
  const header = new TextEncoder().encode(JSON.stringify({ __metadata__: about }));
  const file = new Uint8Array(8 + header.length);
  new DataView(file.buffer).setBigUint64(0, BigInt(header.length), true);
  file.set(header, 8);
  return file;
}

const HEAD = checkpoint({ base: JSON.stringify(NAMED) });
const WHOLE = checkpoint({});

const SUMMARY: RunSummary = {
  config: CONFIG,
  vocab: { kind: 'classes', names: ['a', 'b'] },
  parameters: 10,
  step: 5,
  trainable: true,
  train_tokens: 100,
  val_tokens: 100,
  chance_loss: 1,
  training_flops_per_token: 1,
  family: 'images',
  tokens_per_step: tokensPerStep(CONFIG),
};

/** A session that loads checkpoints with the bases that they name. */
class Session extends Answering {
  readonly bases: (Uint8Array | null)[] = [];

  protected answer(command: Command): Event {
    if (command.type !== 'load') throw new Error(`${command.type} was not expected`);
    this.bases.push(command.base);
    const needs = readHeader(command.checkpoint)?.base !== null;
    if (!needs || command.base?.length === BASE.length) return { type: 'ready', summary: SUMMARY };
    const message = command.base ? 'this is another base' : `it needs ${NAMED.name}`;
    return { type: 'failed', failure: { kind: 'base', message, hint: 'Use --base.' } };
  }
}

const fetched = vi.fn<(shipped: Shipped) => Promise<Uint8Array | null>>();
let databases = 0;
let session: Session;
let bases: Bases;
let notices: Notices;

function currentRun(): CurrentRun {
  const client = () => new SessionClient(session);
  const machine = new Machine(client, { device: 'cpu', software: false }, 'images');
  notices = new Notices();
  return new CurrentRun(
    {
      ...{ family: 'images', machine, notices, bases, standard: 'digits' },
      ...{ datasets: new ImageDatasets(), run: new Idle(machine, CONFIG) },
      remember: () => undefined,
      began: () => undefined,
      configured: () => Promise.resolve(),
    },
    'digits',
  );
}

beforeEach(() => {
  session = new Session();
  fetched.mockReset().mockResolvedValue(null);
  databases += 1;
  bases = new Bases(fetched, `bases-${databases}`);
});

const SHIPPED: Shipped = {
  ...{ name: 'head', title: 'Head', file: 'head.safetensors', bytes: 1, sha256: '0' },
  ...{ description: 'A head.', variant: 'trm_vit', dataset: 'digits', parameters: 10 },
  ...{ config: CONFIG, command: 'train', seed: 1, hardware: 'a core', minutes: 1, step: 5 },
  ...{ losses: [{ depth: 1, loss: 1 }], base: NAMED.name },
};

test('a header says which base a checkpoint needs', () => {
  expect(readHeader(HEAD)?.base).toEqual(NAMED);
  expect(readHeader(WHOLE)?.base).toBeNull();
  expect(readHeader(checkpoint({ base: 'no JSON' }))?.base).toBeNull();
  expect(readHeader(checkpoint({ base: '{"name": 3}' }))?.base).toBeNull();
});

describe('bases', () => {
  test('that were given are kept for another visit', async () => {
    expect(await bases.of(HEAD, null)).toBeNull();
    await bases.keep(HEAD, BASE);
    expect(await bases.of(HEAD, null)).toEqual(BASE);
    expect(await new Bases(fetched, `bases-${databases}`).of(HEAD, null)).toEqual(BASE);
    expect(await bases.of(WHOLE, null)).toBeNull();
  });

  test('of pre-trained models are fetched once', async () => {
    fetched.mockResolvedValue(BASE);
    expect(await bases.of(HEAD, SHIPPED)).toEqual(BASE);
    expect(await bases.of(HEAD, null)).toEqual(BASE);
    expect(fetched).toHaveBeenCalledTimes(1);
  });

  test('of pre-trained models are not fetched where the browser keeps them', async () => {
    await bases.keep(HEAD, BASE);
    expect(await new Bases(fetched, `bases-${databases}`).of(HEAD, SHIPPED)).toEqual(BASE);
    expect(fetched).not.toHaveBeenCalled();
  });
});

describe('a checkpoint whose base is missing', () => {
  test('is opened once that file is given too', async () => {
    const current = currentRun();
    await expect(current.load(HEAD)).rejects.toThrow(`it needs ${NAMED.name}`);
    await expect(current.load(HEAD)).rejects.toMatchObject({
      failure: { hint: 'Drop or load that file too; the checkpoint is then opened with it.' },
    });
    // A wrong one is refused, and the checkpoint waits on.
    await expect(current.load(OTHER)).rejects.toThrow('this is another base');
    await current.load(BASE);
    expect(notices.shown?.message).toBe('Checkpoint loaded at step 5.');
    expect(session.bases).toEqual([null, HEAD, null, OTHER, BASE]);
    // The next time it is known.
    await current.load(HEAD);
    expect(session.bases.at(-1)).toEqual(BASE);
  });

  test('is opened by a drop after another visit, if the base was given once or came along', async () => {
    fetched.mockResolvedValue(BASE);
    const current = currentRun();
    await current.open(SHIPPED, HEAD);
    // As it is saved and dropped again: its base is known, but not from the visitor.
    await current.load(HEAD);
    expect(session.bases).toEqual([BASE, BASE]);
    const later = new Bases(fetched, `bases-${databases}`);
    await vi.waitFor(async () => expect(await later.of(HEAD, null)).toEqual(BASE));
  });

  test('gives way to another checkpoint', async () => {
    const current = currentRun();
    await expect(current.load(HEAD)).rejects.toThrow('it needs');
    await current.load(WHOLE);
    expect(session.bases).toEqual([null, WHOLE, null]);
    // It waits no longer.
    await current.load(WHOLE);
    expect(session.bases.at(-1)).toBeNull();
  });

  test('and that is a saved run goes on once that file is given', async () => {
    const current = currentRun();
    const history = { training: [{ step: 5, loss: 2 }], validation: [], elapsed: 1 };
    const saved = { id: 'kept-1', preset: 'digits', dataset: 'digits', text: null, savedAt: 1 };
    const files = { checkpoint: HEAD, optimizer: new Uint8Array([7]) };
    const kept = { ...saved, ...files, step: 5, history, named: 'mine' };
    await expect(current.restore(kept, null)).rejects.toThrow(`it needs ${NAMED.name}`);
    await current.load(BASE, 'the base');
    expect(session.bases).toEqual([null, BASE]);
    expect(current.named).toBe('mine');
  });

  test('comes with it where it is pre-trained', async () => {
    fetched.mockResolvedValue(BASE);
    const current = currentRun();
    await current.open(SHIPPED, HEAD);
    expect(session.bases).toEqual([BASE]);
    expect(current.origin).toBe(SHIPPED);
  });
});

/** A session that refuses every file. */
class Refusing extends Session {
  protected override answer(): Event {
    const message = 'this is a text, not a whole safetensors file';
    return { type: 'failed', failure: { kind: 'checkpoint', message, hint: 'Rename it.' } };
  }
}

test('a file that is no checkpoint is named', async () => {
  session = new Refusing();
  const message = 'this is a text, not a whole safetensors file';
  await expect(currentRun().load(WHOLE, 'notes')).rejects.toMatchObject({
    failure: { message: `“notes.safetensors”: ${message}`, hint: 'Rename it.' },
  });
  // What another page handed over has no name.
  await expect(currentRun().load(WHOLE)).rejects.toMatchObject({ failure: { message } });
});
