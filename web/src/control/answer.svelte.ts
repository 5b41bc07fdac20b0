// One text that the model writes, kept fresh while it learns.

import { type SessionClient, SessionError } from '../client/client';
import { sentence } from '../state/say';
import type { Question } from '../state/url';

const LENGTH = 160;
/** Milliseconds of writing in one request, so that the text appears to flow. */
const SLICE = 60;

export class Answer {
  text = $state('');
  /** The text being written, shown once it has caught up with the old one. */
  step = $state(0);
  writing = $state(false);
  problem = $state<string | null>(null);
  /** Whether the text is of older weights or of another question. */
  stale = true;

  #stream: number | null = null;
  #draft = '';
  #fresh = true;
  #piece = 4;

  /** The run is another one. */
  forget(): void {
    this.#stream = null;
    this.text = '';
    this.problem = null;
    this.stale = true;
    this.#fresh = true;
  }

  /** Writes on; whether there was anything to do. */
  async advance(
    client: SessionClient,
    question: Question & { depth: number },
    step: number,
  ): Promise<boolean> {
    if (this.stale) {
      await this.#begin(client, question, step);
      return true;
    }
    if (this.#stream === null) return false;
    const before = performance.now();
    const pull = { type: 'pull', stream: this.#stream, n: this.#piece } as const;
    const { output } = await client.ask(pull, 'generated').catch((error: unknown) => {
      // A stream that failed is not asked again and again.
      this.#end();
      throw error;
    });
    const fitting = (this.#piece * SLICE) / Math.max(1, performance.now() - before);
    this.#piece = Math.min(64, Math.max(1, Math.round(fitting)));
    this.#draft += output.text;
    // A refreshed text replaces the old one as a whole, so that it does not flicker.
    if (this.#fresh || output.done) this.text = this.#draft;
    if (output.done) {
      this.#end();
      this.#fresh = false;
      this.step = step;
    }
    return true;
  }

  #end(): void {
    this.#stream = null;
    this.writing = false;
  }

  async #begin(
    client: SessionClient,
    question: Question & { depth: number },
    step: number,
  ): Promise<void> {
    this.stale = false;
    const old = this.#stream;
    this.#stream = null;
    if (old !== null) await client.ask({ type: 'close', stream: old }, 'closed');
    try {
      const { stream } = await client.ask(
        {
          type: 'generate',
          options: {
            prompt: question.prompt,
            depth: question.depth,
            temperature: question.temperature,
            top_k: question.topK,
            seed: question.seed,
            max_new_tokens: LENGTH,
          },
        },
        'generating',
      );
      this.#stream = stream;
      this.#draft = '';
      this.problem = null;
      this.writing = true;
      this.step = step;
    } catch (error) {
      if (!(error instanceof SessionError) || error.severe) throw error;
      this.writing = false;
      this.text = '';
      this.problem = `${sentence(error.failure.message)} ${error.failure.hint}`;
    }
  }
}
