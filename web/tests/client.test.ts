import { beforeEach, describe, expect, test } from 'vitest';

import { SessionClient, SessionError, type WorkerPort } from '../src/client/client';
import type { Failure } from '../src/gen';

type Listener = (event: { data?: unknown; message?: string }) => void;

/** A worker that does what the test says. */
class FakePort implements WorkerPort {
  readonly sent: { id: number; kind: string }[] = [];
  ended = 0;
  refuse: Error | null = null;
  readonly #listeners = new Map<string, Listener>();

  postMessage(message: { id: number; kind: string }): void {
    if (this.refuse) throw this.refuse;
    this.sent.push(message);
  }

  terminate(): void {
    this.ended += 1;
  }

  addEventListener(
    type: string,
    listener: (event: { data: unknown; message?: string }) => void,
  ): void {
    this.#listeners.set(type, (event) => listener({ data: undefined, ...event }));
  }

  emit(type: 'message' | 'error' | 'messageerror', event: Parameters<Listener>[0] = {}): void {
    this.#listeners.get(type)?.(event);
  }

  say(data: unknown): void {
    this.emit('message', { data });
  }
}

const DEVICE = {
  info: { backend: 'cpu', name: 'CPU' },
  reason: 'device=cpu is set in the address.',
};
const OPEN = {
  modules: { cpu: 'cpu', gpu: 'gpu' },
  device: 'cpu',
  software: false,
  base: 'http://localhost/',
} as const;
const FAILURE: Failure = { kind: 'data', message: 'too short', hint: 'Give more.' };

let port: FakePort;
let client: SessionClient;

beforeEach(() => {
  port = new FakePort();
  client = new SessionClient(port);
});

async function failureOf(request: Promise<unknown>): Promise<SessionError> {
  const error: unknown = await request.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(SessionError);
  if (!(error instanceof SessionError)) throw new Error('not refused');
  return error;
}

describe('a request', () => {
  test('is settled by the reply of its number, in any order', async () => {
    const first = client.ask({ type: 'step', n: 1 }, 'stepped');
    const second = client.ask({ type: 'close', stream: 4 }, 'closed');
    const [a, b] = port.sent.map((request) => request.id);
    expect(a).not.toBe(b);
    port.say({ id: b, ok: true, kind: 'event', event: { type: 'closed', stream: 4 } });
    port.say({ id: a, ok: true, kind: 'event', event: { type: 'stepped', reports: [] } });
    await expect(second).resolves.toEqual({ type: 'closed', stream: 4 });
    await expect(first).resolves.toEqual({ type: 'stepped', reports: [] });
  });

  test('opens the device', async () => {
    const opened = client.open(OPEN);
    expect(port.sent[0]).toMatchObject({ kind: 'open', ...OPEN });
    port.say({ id: port.sent[0]?.id, ok: true, kind: 'opened', device: DEVICE });
    await expect(opened).resolves.toEqual(DEVICE);
  });

  test('is refused with the failure of the worker, which lives on', async () => {
    const asked = client.ask({ type: 'step', n: 1 }, 'stepped');
    port.say({ id: port.sent[0]?.id, ok: false, failure: FAILURE });
    const error = await failureOf(asked);
    expect(error).toMatchObject({ failure: FAILURE, crashed: false, severe: false });
    expect(client.alive).toBe(true);
  });

  test('is refused with the failure of the session', async () => {
    const asked = client.ask({ type: 'step', n: 1 }, 'stepped');
    const event = { type: 'failed', failure: { ...FAILURE, kind: 'device' } };
    port.say({ id: port.sent[0]?.id, ok: true, kind: 'event', event });
    expect(await failureOf(asked)).toMatchObject({ crashed: false, severe: true });
  });

  test('is refused when the answer is to another question', async () => {
    const asked = client.ask({ type: 'step', n: 1 }, 'stepped');
    const event = { type: 'closed', stream: 1 };
    port.say({ id: port.sent[0]?.id, ok: true, kind: 'event', event });
    const error = await failureOf(asked);
    expect(error.failure.kind).toBe('protocol');
    expect(error.message).toContain('"closed" where "stepped"');
  });

  test('that cannot be posted is refused at once, and the next one goes through', async () => {
    port.refuse = new DOMException('could not be cloned', 'DataCloneError');
    await expect(client.ask({ type: 'save' }, 'saved')).rejects.toThrow('could not be cloned');
    port.refuse = null;
    const next = client.ask({ type: 'close', stream: 1 }, 'closed');
    port.say({
      id: port.sent[0]?.id,
      ok: true,
      kind: 'event',
      event: { type: 'closed', stream: 1 },
    });
    await expect(next).resolves.toMatchObject({ stream: 1 });
  });

  test('that nobody waits for is passed over', () => {
    port.say({ id: 99, ok: false, failure: FAILURE });
    expect(client.alive).toBe(true);
  });
});

describe('every request settles when', () => {
  const endings: [string, () => void, RegExp][] = [
    [
      'the worker says that it crashed',
      () => port.say({ kind: 'crashed', message: 'unreachable' }),
      /^The training worker stopped: unreachable\.$/,
    ],
    ['the worker fails', () => port.emit('error', { message: 'out of memory' }), /out of memory/],
    ['the worker cannot start', () => port.emit('error'), /could not start/],
    ['a message cannot be read', () => port.emit('messageerror'), /unreadable/],
    ['a message is none of ours', () => port.say({ hello: 1 }), /unknown message/],
    ['the page closes the session', () => client.terminate(), /was closed/],
  ];

  test.each(endings)('%s', async (_, end, message) => {
    const waiting = [
      client.open(OPEN),
      client.ask({ type: 'step', n: 1 }, 'stepped'),
      client.ask({ type: 'save' }, 'saved'),
    ].map((request) => failureOf(request));
    end();
    for (const error of await Promise.all(waiting)) {
      expect(error.message).toMatch(message);
      expect(error).toMatchObject({ crashed: true, severe: true });
    }
    expect(client.alive).toBe(false);
    expect(port.ended).toBe(1);

    const sent = port.sent.length;
    expect((await failureOf(client.ask({ type: 'save' }, 'saved'))).message).toMatch(message);
    expect(port.sent).toHaveLength(sent);
  });

  test('it ends twice, for the first reason', async () => {
    port.emit('error', { message: 'first' });
    client.terminate();
    expect((await failureOf(client.ask({ type: 'save' }, 'saved'))).message).toContain('first');
    expect(port.ended).toBe(1);
  });
});
