// A session of the shared core in a worker of a real browser, without the page.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Page } from '@playwright/test';

import { corpora } from '../../../scripts/lib/paths.mjs';
import type { Command, DeviceInfo, Event } from '../../src/gen';
import type { Site } from './site';

type Answer<T extends Event['type']> = Extract<Event, { type: T }>;

/** Tiny Shakespeare, as the page ships it. */
export const shakespeare = () => readFileSync(join(corpora, 'shakespeare.txt'), 'utf8');

export class Session {
  private constructor(
    private readonly page: Page,
    readonly device: DeviceInfo,
  ) {}

  static async open(page: Page, site: Site, kind: 'cpu' | 'cpu-relaxed' | 'gpu'): Promise<Session> {
    await page.goto(`${site.origin}/session/index.html`);
    const device = await page.evaluate(
      (open) => window.ask({ open }),
      `${site.path}wasm/${kind}/trm_wasm.js`,
    );
    return new Session(page, device as DeviceInfo);
  }

  /** Sends a command and insists on the kind of answer. */
  async handle<T extends Event['type']>(command: Command, expected: T): Promise<Answer<T>> {
    const event = (await this.page.evaluate(
      (command) => window.ask({ command }),
      command,
    )) as Event;
    if (event.type !== expected) {
      const reason = event.type === 'failed' ? `: ${event.failure.message}` : '';
      throw new Error(`${command.type} was answered by ${event.type}, not ${expected}${reason}`);
    }
    return event as Answer<T>;
  }
}

declare global {
  interface Window {
    ask(request: { open: string } | { command: Command }): Promise<unknown>;
  }
}
