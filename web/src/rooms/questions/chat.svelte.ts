// A chat with the base model alone.

import type { SessionClient } from '../../client/client';
import type { ChatMessage } from '../../gen';
import { readStream } from './stream';

/** Most tokens of an answer. */
const LONGEST = 256;
const TEMPERATURE = 0.2;
const TOP_K = 40;

export class Chat {
  messages = $state.raw<readonly ChatMessage[]>([]);
  /** What is in the field. */
  draft = $state('');
  /** The answer so far; `null` while nothing is written. */
  writing = $state<string | null>(null);
  /** Whether the model reads the chat, before its first token. */
  reading = $state(false);
  /** Tokens written each second, of the last answer. */
  rate = $state<number | null>(null);

  #stopped = false;
  #seed = 1;

  get busy(): boolean {
    return this.writing !== null;
  }

  /** Sends a message and writes the answer. The message goes back to the field if it fails. */
  async send(client: SessionClient, text: string): Promise<void> {
    const before = this.messages;
    this.draft = '';
    this.messages = [...before, { role: 'user', text }];
    [this.writing, this.reading, this.#stopped] = ['', true, false];
    const options = {
      messages: [...this.messages],
      ...{ temperature: TEMPERATURE, top_k: TOP_K, seed: this.#seed++, max_new_tokens: LONGEST },
    };
    try {
      const { stream } = await client.ask({ type: 'chat', options }, 'generating');
      let [began, tokens] = [0, 0];
      await readStream(client, stream, {
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
      this.messages = [...this.messages, { role: 'assistant', text: this.writing.trim() }];
    } catch (error) {
      this.messages = before;
      this.draft ||= text;
      throw error;
    } finally {
      [this.writing, this.reading] = [null, false];
    }
  }

  stop(): void {
    this.#stopped = true;
  }

  clear(): void {
    this.#stopped = true;
    if (!this.busy) this.messages = [];
  }
}
