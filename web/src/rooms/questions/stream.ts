// Reads a stream of text to its end or until it is stopped, a token at a time, so that other commands of the page
// are answered in between.

import type { SessionClient } from '../../client/client';

/** What becomes of a stream. */
export interface Reading {
  /** Whether it was stopped. */
  readonly stopped: () => boolean;
  /** Called with each new piece of text. */
  readonly add: (text: string, tokens: number) => void;
}

/** Gives whether it came to its end. */
export async function readStream(
  client: SessionClient,
  stream: number,
  { stopped, add }: Reading,
): Promise<boolean> {
  for (;;) {
    if (stopped()) {
      await client.ask({ type: 'close', stream }, 'closed');
      return false;
    }
    const { output } = await client.ask({ type: 'pull', stream, n: 1, trace: false }, 'generated');
    add(output.text, output.tokens.length);
    if (output.done) return true;
  }
}
