// Downloads a file, reports progress, and checks its digest.

import { SessionError } from '../client/client';

export interface Expected {
  readonly bytes: number;
  readonly sha256: string;
}

/** Where a file of the page's models lies. */
export function beside(base: string, file: string): URL {
  return new URL(`checkpoints/${file}`, base);
}

/**
 * The whole file, or a `SessionError` that says what to do. Browsers can compute
 * digests themselves, but only on pages served securely and only all at once.
 */
export async function download(
  url: URL,
  expected: Expected,
  progress: (received: number) => void,
): Promise<Uint8Array> {
  const digests = import('./sha256').catch(() => {
    throw unreachable('A part of the page could not be fetched');
  });
  const [body, { bytesToHex, sha256 }] = await Promise.all([answer(url), digests]);
  const reader = body.getReader();
  const file = new Uint8Array(expected.bytes);
  const digest = sha256.create();
  let received = 0;
  for (;;) {
    const { done, value } = await reader.read().catch(() => {
      throw unreachable('The connection was interrupted');
    });
    if (done) break;
    if (received + value.length > expected.bytes) {
      await reader.cancel();
      throw altered();
    }
    digest.update(value);
    file.set(value, received);
    received += value.length;
    progress(received);
  }
  if (bytesToHex(digest.digest()) !== expected.sha256) throw altered();
  return file;
}

/** A file whose size and digest nobody listed; what uses it checks it. */
export async function whole(url: URL): Promise<Uint8Array> {
  const buffer = await new Response(await answer(url)).arrayBuffer().catch(() => {
    throw unreachable('The connection was interrupted');
  });
  return new Uint8Array(buffer);
}

async function answer(url: URL): Promise<ReadableStream<Uint8Array>> {
  let response: Response;
  try {
    response = await fetch(url);
  } catch {
    throw unreachable('The server could not be reached');
  }
  if (!response.ok || !response.body) throw unreachable(`The server answered ${response.status}`);
  return response.body;
}

function unreachable(message: string): SessionError {
  const hint = 'Check the connection and try again, or train a model from scratch.';
  return failure(message, hint);
}

function altered(): SessionError {
  return failure(
    'The downloaded file is not the one in the list of models (its digest differs), so it was refused.',
    'Try again later, or train a model from scratch.',
  );
}

function failure(message: string, hint: string): SessionError {
  return new SessionError({ kind: 'checkpoint', message, hint }, false);
}
