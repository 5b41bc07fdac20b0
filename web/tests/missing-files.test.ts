// Files of the page that do not come: what is said, and what works without them.

import { afterEach, expect, test, vi } from 'vitest';

import { SessionError } from '../src/client/client';
import { DEFAULT_CONFIG } from '../src/gen';
import { ImageDatasets } from '../src/rooms/images/datasets';
import { TextDatasets } from '../src/rooms/language/datasets';
import { download } from '../src/run/download';

vi.mock('../src/run/sha256', () => {
  throw new Error('offline');
});

afterEach(() => vi.unstubAllGlobals());

test('code that a download needs fails as the file itself would', async () => {
  vi.stubGlobal('fetch', () => Promise.resolve(new Response('a')));
  const coming = download(new URL('http://localhost/a'), { bytes: 1, sha256: '' }, () => undefined);
  const error: unknown = await coming.catch((error: unknown) => error);
  expect(error).toBeInstanceOf(SessionError);
  expect(String(error)).toContain('A part of the page could not be fetched');
});

test('a model is loaded without its text, and a new run says that the text is missing', async () => {
  vi.stubGlobal('document', { baseURI: 'http://localhost/' });
  vi.stubGlobal('fetch', () => Promise.reject(new TypeError('offline')));
  const datasets = new TextDatasets();
  const missing: string[] = [];
  datasets.missing = ({ message }) => missing.push(message);
  expect(await datasets.forSavedRun(null)).toEqual({ kind: 'named' });
  expect(missing).toEqual(['Tiny Shakespeare could not be downloaded.']);
  await expect(datasets.forNewRun(DEFAULT_CONFIG, null)).rejects.toThrow(missing[0]);
  const own = await datasets.forSavedRun('my text');
  expect(own).toMatchObject({ kind: 'text', text: 'my text' });
  expect(missing).toHaveLength(1);
});

test('a text whose download breaks off is missing as one that does not begin', async () => {
  vi.stubGlobal('document', { baseURI: 'http://localhost/' });
  const broken = new ReadableStream({ pull: (to) => to.error(new TypeError('network error')) });
  vi.stubGlobal('fetch', () => Promise.resolve(new Response(broken)));
  const datasets = new TextDatasets();
  const error: unknown = await datasets.shakespeare().catch((error: unknown) => error);
  expect(error).toBeInstanceOf(SessionError);
  expect(String(error)).toContain('Tiny Shakespeare could not be downloaded.');
  vi.stubGlobal('fetch', () => Promise.resolve(new Response(null, { status: 503 })));
  await expect(datasets.shakespeare()).rejects.toThrow('could not be downloaded (503).');
});

test('a model is loaded without its images, and not called one of other images', async () => {
  vi.stubGlobal('document', { baseURI: 'http://localhost/' });
  vi.stubGlobal('fetch', () => Promise.reject(new TypeError('offline')));
  const datasets = new ImageDatasets();
  const missing: string[] = [];
  datasets.missing = ({ failure }) => missing.push(`${failure.message} ${failure.hint}`);
  expect(await datasets.forSavedRun()).toEqual({ kind: 'named' });
  const why = 'The handwritten digits could not be downloaded. Check the connection and reload.';
  expect([missing, datasets.untrainable()]).toEqual([[why], why]);
  vi.stubGlobal('fetch', () => Promise.resolve(new Response('0,1')));
  expect(await datasets.forSavedRun()).toMatchObject({ kind: 'text', text: '0,1' });
  expect(datasets.untrainable()).toContain('not part of this page');
});
