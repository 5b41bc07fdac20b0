// A chat with the base model alone.

import type { SessionClient } from '../../client/client';
import type { ChatMessage } from '../../gen';
import { readStream } from './stream';

/** Most tokens of an answer. */
const LONGEST = 256;
const TEMPERATURE = 0.2;
const TOP_K = 40;

/** `stopped`: whether the visitor ended it. */
type Message = ChatMessage & { readonly stopped?: boolean };

/** A message as it is shown. */
export function written({ text, stopped }: Message): string {
  return stopped ? `${text} (stopped)` : text || '(an empty answer)';
}

export class Chat {
  messages = $state.raw<readonly Message[]>([]);
  /** What is in the field. */
  draft = $state('');
  /** The answer so far; `null` while nothing is written. */
  writing = $state<string | null>(null);
  /** Whether the model reads the chat, before its first token. */
  reading = $state(false);
  /** Tokens written each second, of the last answer. */
  rate = $state<number | null>(null);
  /** What is read out: that it writes, then the answer as a whole. */
  told = $state('');

  #stopped = false;
  #seed = 1;

  get busy(): boolean {
    return this.writing !== null;
  }

  /** Sends a message and writes the answer. Without one, the message goes back to the field. */
  async send(client: SessionClient, text: string): Promise<void> {
    const before = this.messages;
    this.draft = '';
    this.messages = [...before, { role: 'user', text }];
    [this.writing, this.reading, this.#stopped, this.told] = ['', true, false, 'Writing …'];
    let told = '';
    const options = {
      messages: this.messages.map(({ role, text }) => ({ role, text })),
      ...{ temperature: TEMPERATURE, top_k: TOP_K, seed: this.#seed++, max_new_tokens: LONGEST },
    };
    try {
      const { stream } = await client.ask({ type: 'chat', options }, 'generating');
      let [began, tokens] = [0, 0];
      const ended = await readStream(client, stream, {
        stopped: () => this.#stopped,
        add: (piece, count) => {
          this.writing = `${this.writing ?? ''}${piece}`;
          const now = performance.now();
          // The first token waits for the chat to be read.
          if (this.reading) began = now;
          else tokens += count;
          this.reading = false;
          if (tokens > 0 && now > began) this.rate = (1000 * tokens) / (now - began);
        },
      });
      const answer = { role: 'assistant', text: this.writing.trim(), stopped: !ended } as const;
      if (ended || answer.text) {
        this.messages = [...this.messages, answer];
        told = written(answer);
      }
    } finally {
      if (this.messages.at(-1)?.role === 'user') {
        this.messages = before;
        this.draft ||= text;
      }
      [this.writing, this.reading, this.told] = [null, false, told];
    }
  }

  stop(): void {
    this.#stopped = true;
  }

  clear(): void {
    this.#stopped = true;
    if (!this.busy) [this.messages, this.told] = [[], ''];
  }
}
