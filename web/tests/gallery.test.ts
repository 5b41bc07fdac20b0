import { createHash } from 'node:crypto';

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { SessionError } from '../src/client/client';
import { Gallery } from '../src/run/gallery.svelte';
import { DEFAULT_CONFIG } from '../src/gen';
import type { Shipped } from '../src/run/manifest';

const FILE = Uint8Array.from({ length: 1000 }, (_, i) => i % 251);
const BASE = 'http://localhost/some/path/';

const MODEL: Shipped = {
  name: 'elastic',
  title: 'Elastic',
  file: 'elastic.safetensors',
  bytes: FILE.length,
  sha256: createHash('sha256').update(FILE).digest('hex'),
  description: 'Usable at any depth.',
  variant: 'chat_trm',
  dataset: 'shakespeare',
  parameters: 10,
  config: DEFAULT_CONFIG,
  command: 'trm-native train',
  seed: 1,
  hardware: 'two cores',
  minutes: 1,
  step: 10,
  losses: [{ depth: 1, loss: 2 }],
};

const LIST = { format: 'trm-checkpoints/1', default: 'elastic', checkpoints: [MODEL] };

const server = vi.fn<(url: URL) => Promise<Response>>();

/** A file that comes in pieces. */
function pieces(bytes: Uint8Array): Response {
  const body = new ReadableStream<Uint8Array>({
    start(stream) {
      for (let at = 0; at < bytes.length; at += 300) stream.enqueue(bytes.slice(at, at + 300));
      stream.close();
    },
  });
  return new Response(body);
}

function serve(file: () => Promise<Response>): void {
  server.mockImplementation((url) =>
    url.pathname.endsWith('manifest.json') ? Promise.resolve(Response.json(LIST)) : file(),
  );
}

beforeEach(() => {
  vi.stubGlobal('fetch', server);
  vi.spyOn(console, 'info').mockImplementation(() => undefined);
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
  server.mockReset();
});

describe('the list', () => {
  test('lies beside the page, and is known by name', async () => {
    serve(() => Promise.resolve(pieces(FILE)));
    const gallery = new Gallery(BASE, 'language');
    expect((await gallery.manifest)?.first).toEqual(MODEL);
    expect(gallery.shown).toEqual([MODEL]);
    expect(await gallery.find('elastic')).toEqual(MODEL);
    expect(await gallery.find('other')).toBeNull();
    expect(server.mock.calls.map(([url]) => url.href)).toEqual([
      `${BASE}checkpoints/manifest.json`,
    ]);
    expect(console.info).not.toHaveBeenCalled();
  });

  test.each([
    ['missing', () => Promise.resolve(new Response('', { status: 404 })), '404'],
    ['unreachable', () => Promise.reject(new TypeError('offline')), 'offline'],
    ['no JSON', () => Promise.resolve(new Response('<html>')), 'JSON'],
    ['of another format', () => Promise.resolve(Response.json({ format: 'x' })), 'format'],
  ])('that is %s is none, with one line for who looks', async (_, answer, why) => {
    server.mockImplementation(answer);
    const gallery = new Gallery(BASE, 'language');
    expect(await gallery.manifest).toBeNull();
    expect(gallery.shown).toEqual([]);
    expect(vi.mocked(console.info).mock.calls).toEqual([[expect.stringContaining(why)]]);
  });
});

describe('a model', () => {
  const failure = async (gallery: Gallery) => {
    const error: unknown = await gallery.bring(MODEL).catch((error: unknown) => error);
    return error instanceof SessionError ? error.failure : null;
  };

  /** A gallery that downloads a model, and the stream that its file comes from. */
  const slowly = () => {
    let stream: ReadableStreamDefaultController<Uint8Array> | undefined;
    const asked = vi.fn();
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => void (stream = controller),
      pull: asked,
    });
    serve(() => Promise.resolve(new Response(body)));
    const gallery = new Gallery(BASE, 'language');
    /** Sends a part; waits until it was taken, and the next one is asked for. */
    const send = async (part: Uint8Array) => {
      asked.mockClear();
      stream?.enqueue(part);
      await vi.waitFor(() => expect(asked).toHaveBeenCalled());
      await new Promise((resolve) => setTimeout(resolve));
    };
    return { gallery, stream, send, coming: gallery.bring(MODEL) };
  };

  test('is fetched once, and counted as it comes', async () => {
    const { gallery, stream, coming } = slowly();
    expect(gallery.fetching).toEqual({ elastic: { state: 'coming', received: 0 } });
    stream?.enqueue(FILE.slice(0, 300));
    await vi.waitFor(() =>
      expect(gallery.fetching).toEqual({ elastic: { state: 'coming', received: 300 } }),
    );
    stream?.enqueue(FILE.slice(300));
    stream?.close();
    expect(await coming).toEqual(FILE);
    expect(gallery.fetching).toEqual({});
    expect(await gallery.bring(MODEL)).toEqual(FILE);
    const files = server.mock.calls.filter(([url]) => url.pathname.endsWith('.safetensors'));
    expect(files.map(([url]) => url.href)).toEqual([
      `${BASE}checkpoints/elastic.safetensors?${MODEL.sha256.slice(0, 16)}`,
    ]);
  });

  test('that nobody waits for any more is told again only once it is asked for', async () => {
    const { gallery, stream, send, coming } = slowly();
    gallery.leave(MODEL);
    await send(FILE.slice(0, 300));
    expect(gallery.fetching).toEqual({});
    void gallery.bring(MODEL);
    stream?.enqueue(FILE.slice(300, 600));
    await vi.waitFor(() =>
      expect(gallery.fetching).toEqual({ elastic: { state: 'coming', received: 600 } }),
    );
    stream?.enqueue(FILE.slice(600));
    stream?.close();
    expect(await coming).toEqual(FILE);
  });

  test.each([
    ['altered', Uint8Array.from(FILE, (byte, i) => (i === 500 ? byte ^ 1 : byte))],
    ['cut short', FILE.slice(0, 700)],
    ['too long', Uint8Array.from([...FILE, 0])],
  ])('that is %s is refused, and may be asked for again', async (_, bytes) => {
    serve(() => Promise.resolve(pieces(bytes)));
    const gallery = new Gallery(BASE, 'language');
    expect((await failure(gallery))?.message).toContain('refused');
    const state = gallery.fetching['elastic'];
    expect(state?.state === 'failed' && state.hint).toContain('Try again');
    serve(() => Promise.resolve(pieces(FILE)));
    expect(await gallery.bring(MODEL)).toEqual(FILE);
    expect(gallery.fetching).toEqual({});
  });

  test('that cannot be had says why', async () => {
    serve(() => Promise.resolve(new Response('', { status: 503 })));
    expect((await failure(new Gallery(BASE, 'language')))?.message).toContain('503');
    serve(() => Promise.reject(new TypeError('offline')));
    expect((await failure(new Gallery(BASE, 'language')))?.message).toContain(
      'could not be reached',
    );
    const broken = new ReadableStream({ pull: (stream) => stream.error(new Error('reset')) });
    serve(() => Promise.resolve(new Response(broken)));
    expect((await failure(new Gallery(BASE, 'language')))?.message).toContain('was interrupted');
  });
});
