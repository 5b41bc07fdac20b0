// The Questions page as a person uses it, with tiny models.

import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, type BrowserContext, type Locator, type Page } from '@playwright/test';

import { TESTIDS } from '../../src/testids';
import { trm } from './native';
import type { Site } from './site';
import { tinyBase } from './tiny-base';

export class Questions {
  readonly base: Locator;
  readonly chat: Locator;
  readonly messages: Locator;
  readonly asking: Locator;
  readonly notice: Locator;

  constructor(
    readonly page: Page,
    readonly site: Site,
  ) {
    this.base = page.getByTestId(TESTIDS.base);
    this.chat = page.getByTestId(TESTIDS.chat);
    this.messages = this.chat.getByRole('listitem');
    this.asking = page.getByTestId(TESTIDS.asking);
    this.notice = page.getByTestId(TESTIDS.notice);
  }

  /** Opens the page and waits for the engine. */
  async open(state = 'none', query = ''): Promise<void> {
    await this.page.goto(`${this.site.url}questions.html${query}`);
    await this.choose.waitFor();
    await this.is(state);
  }

  get choose(): Locator {
    return this.base.getByText(/Choose .*file …/);
  }

  /** What there is of the base: `none`, `kept`, `open`, or what is done with it. */
  async is(state: string): Promise<void> {
    await expect(this.base).toHaveAttribute('data-state', state);
  }

  async says(what: RegExp): Promise<void> {
    await expect(this.notice).toContainText(what);
  }

  button(name: string | RegExp): Locator {
    return this.page.getByRole('button', { name, exact: typeof name === 'string' });
  }

  async give(buffer: Buffer, name = 'tiny.gguf'): Promise<void> {
    const mimeType = 'application/octet-stream';
    await this.base.locator('input[type=file]').setInputFiles({ name, mimeType, buffer });
  }

  /** Waits until a base is open and kept, and the page asks for something again. */
  async holds(what: string): Promise<void> {
    await expect(this.base).toContainText(what);
    await this.choose.waitFor();
  }

  async giveModel(buffer: Buffer, name = 'thinker.safetensors'): Promise<void> {
    const mimeType = 'application/octet-stream';
    const input = this.asking.locator('input[type=file]');
    await input.setInputFiles({ name, mimeType, buffer });
  }

  async say(message: string): Promise<void> {
    await this.page.getByRole('textbox', { name: 'Message' }).fill(message);
    await this.button('Send').click();
    // The field is empty then, and the answer is there.
    await expect(this.button('Send')).toBeVisible();
  }

  async ask(question: string, within?: { timeout: number }): Promise<void> {
    await this.page.getByRole('textbox', { name: 'Question' }).fill(question);
    await this.button('Ask').click();
    await expect(this.button('Ask')).toBeEnabled(within);
  }
}

/** Puts a base beside the site, as `scripts/bases.mjs` does. `serve`: what the server sends. */
export async function offer(
  context: BrowserContext,
  file: Buffer,
  serve: (range: string | null) => { status: number; body: Buffer; headers?: Record<string, string> },
): Promise<void> {
  const sha256 = createHash('sha256').update(file).digest('hex');
  const base = { title: 'Tiny', file: 'tiny.gguf', bytes: file.length, sha256 };
  await context.route('**/bases/manifest.json', (route) =>
    route.fulfill({ json: { format: 'trm-bases/1', bases: [base] } }),
  );
  await context.route('**/bases/tiny.gguf*', (route) =>
    route.fulfill(serve(route.request().headers()['range'] ?? null)),
  );
}

/** A question model on a base, trained by the native program for a few updates. */
export function thinker(folder: string, base: Buffer): Buffer {
  const [gguf, converted, run] = ['base.gguf', 'base.safetensors', 'run'].map((name) =>
    join(folder, name),
  ) as [string, string, string];
  writeFileSync(gguf, base);
  trm('convert', gguf, '--from', 'gguf', '--to', converted);
  const sizes = {
    ...{ cut: 1, 'num-latents': 4, window: 2, 'hidden-size': 16, 'num-heads': 2, 'n-layers': 1 },
    ...{ 'intermediate-size': 32, 'h-cycles': 1, 'l-cycles': 1, 'supervision-steps': 2 },
    ...{ 'fourier-bands': 2, 'lora-rank': 2, 'batch-size': 2, 'max-iters': 3 },
    ...{ 'num-questions': 24, 'num-val-questions': 6, 'max-difficulty': 2 },
  };
  const flags = Object.entries(sizes).flatMap(([name, value]) => [`--${name}`, String(value)]);
  trm('train', 'cups', ...flags, '--base', converted, '--device', 'cpu', '--out', run);
  return readFileSync(join(run, 'last.safetensors'));
}

/** A base, and a question model on it. */
export function pair(folder: string): { base: Buffer; model: Buffer } {
  const base = tinyBase();
  return { base, model: thinker(folder, base) };
}
