import { afterEach, describe, expect, test, vi } from 'vitest';

import { SessionError } from '../src/client/client';
import type { Considered } from '../src/gen';
import { downloadBase } from '../src/rooms/questions/base-download';
import { BaseStore, PART } from '../src/rooms/questions/base-store';
import { readSiteBase, type SiteBase } from '../src/rooms/questions/site-bases';
import { best, halts, names, segments, visible } from '../src/rooms/questions/steps';
import { Folder } from './support/opfs';

const BYTES = 2 * PART + 100;
const whole = Uint8Array.from({ length: BYTES }, (_, i) => (i * 31) % 251);
const url = new URL('http://localhost/bases/tiny.gguf');

async function listed(): Promise<SiteBase> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', whole));
  const sha256 = [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return { title: 'Tiny', file: 'tiny.gguf', bytes: BYTES, sha256 };
}

/** A server that sends `body`; with ranges, from where it is asked to. */
function server(body: () => Uint8Array<ArrayBuffer>, ranges: boolean): string[] {
  const asked: string[] = [];
  vi.stubGlobal('fetch', (_: URL, { headers = {} }: { headers?: { range?: string } } = {}) => {
    const range = headers.range ?? '';
    asked.push(range);
    const from = ranges ? Number(/=(\d+)-/.exec(range)?.[1] ?? 0) : 0;
    const about = { 'content-range': `bytes ${from}-${BYTES - 1}/${BYTES}` };
    const response = new Response(body().subarray(from), {
      ...(from > 0 ? { status: 206, headers: about } : {}),
    });
    return Promise.resolve(response);
  });
  return asked;
}

/** Comparing millions of numbers one by one takes minutes. */
const same = (file: Uint8Array | null): boolean =>
  file !== null && Buffer.compare(Buffer.from(file), Buffer.from(whole)) === 0;

const nothing = () => undefined;

afterEach(() => vi.unstubAllGlobals());

describe('a download of a base', () => {
  test('is kept whole, and can be read and forgotten', async () => {
    const [store, base] = [new BaseStore(Folder.root()), await listed()];
    server(() => whole, true);
    expect(await store.kept()).toBeNull();
    const received: number[] = [];
    const { file, kept } = await downloadBase(url, base, store, (n) => received.push(n));
    expect([kept, received.at(-1)]).toEqual([true, BYTES]);
    expect(same(file)).toBe(true);
    const found = await store.kept();
    expect(found).toEqual({ name: base.file, bytes: BYTES, sha256: base.sha256 });
    expect(found && same(await store.read(found))).toBe(true);
    expect(await store.forget()).toBe(true);
    expect(await store.kept()).toBeNull();
  });

  test.each([true, false])('goes on after a break (ranges: %s)', async (ranges) => {
    const [store, base] = [new BaseStore(Folder.root()), await listed()];
    let body = whole.slice(0, PART + 7);
    const asked = server(() => body, ranges);
    await expect(downloadBase(url, base, store, nothing)).rejects.toThrow('interrupted');
    expect(await store.kept()).toBeNull();
    body = whole;
    const { file } = await downloadBase(url, base, store, nothing);
    expect(same(file)).toBe(true);
    expect(asked).toEqual(['', `bytes=${PART}-`]);
    expect((await store.kept())?.sha256).toBe(base.sha256);
  });

  test('of other bytes is refused, and leaves nothing behind', async () => {
    const [store, base] = [new BaseStore(Folder.root()), await listed()];
    const other = whole.slice();
    other[PART] = 255;
    const asked = server(() => other, true);
    await expect(downloadBase(url, base, store, nothing)).rejects.toThrow('digest differs');
    await expect(downloadBase(url, base, store, nothing)).rejects.toThrow(SessionError);
    // It began anew.
    expect(asked).toEqual(['', '']);
  });

  test('works without room, and is not kept', async () => {
    const folder = new Folder(PART + 10);
    const [store, base] = [new BaseStore(() => Promise.resolve(folder.handle)), await listed()];
    server(() => whole, true);
    const { file, kept } = await downloadBase(url, base, store, nothing);
    expect([file.length, kept]).toEqual([BYTES, false]);
    expect(await store.kept()).toBeNull();
    // Half a model is none.
    expect(folder.used()).toBe(0);
  });

  test('that fails leaves the base before it', async () => {
    const [store, base] = [new BaseStore(Folder.root()), await listed()];
    const before = { name: 'old.gguf', bytes: 3, sha256: 'a'.repeat(64) };
    await store.keep(before, new Blob([new Uint8Array([1, 2, 3])]));
    server(() => whole.slice(0, PART), true);
    await expect(downloadBase(url, base, store, nothing)).rejects.toThrow('interrupted');
    expect(await store.kept()).toEqual(before);
    server(() => whole, true);
    await downloadBase(url, base, store, nothing);
    expect((await store.kept())?.name).toBe(base.file);
  });
});

test('a kept base that cannot be read now is not one with a part missing', async () => {
  const folder = new Folder();
  const store = new BaseStore(() => Promise.resolve(folder.handle));
  const base = { name: 'old.gguf', bytes: 3, sha256: 'a'.repeat(64) };
  await store.keep(base, new Blob([new Uint8Array([1, 2, 3])]));
  folder.broken = new DOMException('locked', 'NotReadableError');
  await expect(store.read(base)).rejects.toThrow('locked');
  folder.broken = new DOMException('gone', 'NotFoundError');
  expect(await store.read(base)).toBeNull();
  folder.broken = null;
  expect(await store.read(base)).toEqual(new Uint8Array([1, 2, 3]));
});

test('a list of bases cannot send the page elsewhere', async () => {
  const base = await listed();
  const list = (change: object) => ({
    format: 'trm-bases/1',
    bases: [{ ...base, ...change }],
  });
  expect(readSiteBase(list({}))).toEqual(base);
  for (const wrong of [
    { file: '../tiny.gguf' },
    { file: 'http://elsewhere/tiny.gguf' },
    { bytes: 1e10 },
    { bytes: 0 },
    { sha256: 'abc' },
    { title: 3 },
  ]) {
    expect(readSiteBase(list(wrong)), JSON.stringify(wrong)).toBeNull();
  }
  for (const none of [null, 3, {}, { format: 'trm-bases/1', bases: [] }, { bases: [base] }]) {
    expect(readSiteBase(none)).toBeNull();
  }
});

describe('what is shown of a step', () => {
  const considered: Considered = {
    tokens: 5,
    think: 0.5,
    candidates: [
      { token: 4, text: ' A', ends: false },
      { token: 2, text: '~', ends: true },
      { token: 7, text: '\n', ends: false },
    ],
    steps: [
      { step: 0, halt: null, prob: [0.1, 0.6, 0.1] },
      { step: 1, halt: 0.25, prob: [0.7, 0.1, 0.1] },
    ],
  };

  test('is a bar whose parts are everything', () => {
    for (const step of considered.steps) {
      const parts = segments(considered, step);
      expect(parts.reduce((sum, { prob }) => sum + prob, 0)).toBeCloseTo(1);
      expect(parts.at(-1)).toMatchObject({ text: 'other answers', colour: null });
    }
  });

  test('is the most probable answer, with white space made visible', () => {
    const tops = considered.steps.map((step) => best(considered, step)?.text);
    expect(tops).toEqual(['(end)', 'A']);
    const shown = ['\n', '  ', '', ' B'].map((text) => visible({ text, ends: false }));
    expect(shown).toEqual(['↵', '␣␣', '(nothing)', 'B']);
  });

  test('names candidates apart that differ in a space alone', () => {
    const candidates = [' A', 'A', ' B'].map((text, token) => ({ token, text, ends: false }));
    const step = { step: 1, prob: [0.2, 0.5, 0.1], halt: null };
    const alike = { ...considered, candidates, steps: [step] };
    const texts = segments(alike, step).map(({ text }) => text);
    expect(texts).toEqual(['␣A', 'A', 'B', 'other answers']);
    expect(best(alike, step)?.text).toBe('A');
    // The legend has the same names.
    expect(names(alike)).toEqual(texts.slice(0, 3));
  });

  test('is a line of halting from the first step on', () => {
    expect(halts(considered.steps)).toEqual([{ x: 1, y: 0.25 }]);
  });
});
