// The page as a person uses it: found by role and by the test ids of the page,
// waited for by what it shows.

import { expect, type Locator, type Page } from '@playwright/test';

import { answerId, TESTIDS } from '../../src/testids';
import { OFTEN } from './often';
import type { Site } from './site';
import { openTab } from './tabs';

export class Playground {
  readonly step: Locator;
  readonly notice: Locator;
  readonly device: Locator;
  readonly loss: Locator;
  readonly kept: Locator;
  readonly gallery: Locator;
  /** The text that is watched being written. */
  readonly watched: Locator;
  /** The first two of the texts that are compared. */
  readonly answers: readonly [Locator, Locator];

  constructor(
    readonly page: Page,
    readonly site: Site,
  ) {
    this.step = page.getByTestId(TESTIDS.step);
    this.notice = page.getByTestId(TESTIDS.notice);
    this.device = page.getByTestId(TESTIDS.device);
    this.loss = page.getByTestId(TESTIDS.loss);
    this.gallery = page.getByTestId(TESTIDS.gallery);
    this.kept = page.getByTestId(TESTIDS.kept);
    this.watched = page.getByTestId(TESTIDS.watched);
    this.answers = [page.getByTestId(answerId(0)), page.getByTestId(answerId(1))];
  }

  /** Opens the page at an address and waits until it can be used. The usual run does not end by itself. */
  async open(query = '?preset=tiny&max_iters=100000'): Promise<void> {
    await this.page.goto(this.site.text + query);
    await this.phase(/paused|done/);
  }

  tab(name: 'Explore' | 'Train' | 'Library'): Promise<void> {
    return openTab(this.page, name);
  }

  button(name: string): Locator {
    return this.page.getByRole('button', { name, exact: true });
  }

  async steps(): Promise<number> {
    return Number(await this.step.getAttribute('data-step'));
  }

  async phase(phase: string | RegExp): Promise<void> {
    const now = expect.poll(() => this.step.getAttribute('data-phase'), OFTEN);
    await (typeof phase === 'string' ? now.toBe(phase) : now.toMatch(phase));
  }

  async at(step: number): Promise<void> {
    await expect.poll(() => this.step.getAttribute('data-step'), OFTEN).toBe(String(step));
  }

  async reach(step: number): Promise<void> {
    await expect.poll(() => this.steps(), OFTEN).toBeGreaterThanOrEqual(step);
  }

  /** Trains until at least `step` and pauses; returns the step it paused at. */
  async trainTo(step: number): Promise<number> {
    await this.button('Train').click();
    return this.pauseAt(step);
  }

  /** Pauses what trains once it is at `step`; returns the step it paused at. */
  async pauseAt(step: number): Promise<number> {
    await this.reach(step);
    await this.button('Pause').click();
    await this.phase('paused');
    // The steps that were already asked for still arrive.
    await expect(this.step).toHaveAttribute('data-stepping', 'false');
    // The page says so once what was learned is kept.
    await expect(this.page.getByText(/Saved in this browser at/)).toBeAttached();
    return this.steps();
  }

  /** Trains single steps. */
  async stepOnce(times = 1): Promise<void> {
    const from = await this.steps();
    for (let i = 1; i <= times; i += 1) {
      await this.button('Step').click();
      await this.at(from + i);
    }
  }

  /** The first two compared texts, once neither is being written any more. */
  async texts(): Promise<[string, string]> {
    const [a, b] = this.answers;
    // They are written only where they are seen; before that there is only their place.
    await this.page.locator('#depths').scrollIntoViewIfNeeded();
    await a.scrollIntoViewIfNeeded();
    for (const answer of [a, b]) {
      await expect(answer).toHaveAttribute('data-writing', 'false');
      await expect.poll(async () => (await answer.innerText()).length).toBeGreaterThan(100);
    }
    return [await a.innerText(), await b.innerText()];
  }

  /** Moves the slider of a compared text. */
  async depth(which: 'First' | 'Second', depth: number): Promise<void> {
    await this.page.getByRole('slider', { name: `${which} depth` }).fill(String(depth));
  }

  /** Puts the tab in the background; a headless browser shows every tab, so the page is told. */
  async hide(): Promise<void> {
    await this.page.evaluate(() => {
      Object.defineProperty(document, 'visibilityState', { value: 'hidden', configurable: true });
      document.dispatchEvent(new Event('visibilitychange'));
    });
  }

  /** Drops a file on the page, as from the desktop. */
  async drop(name: string, content: Uint8Array | string): Promise<void> {
    const bytes =
      typeof content === 'string' ? new TextEncoder().encode(content) : new Uint8Array(content);
    const transfer = await this.page.evaluateHandle(
      ([name, bytes]) => {
        const transfer = new DataTransfer();
        transfer.items.add(new File([bytes], name));
        return transfer;
      },
      [name, bytes] as const,
    );
    await this.page.dispatchEvent('body', 'drop', { dataTransfer: transfer });
  }

  /** Trains a new run on a text of one's own. */
  async paste(text: string): Promise<void> {
    await this.page.getByRole('textbox', { name: /Paste at least/ }).fill(text);
    await this.button('Train on this text').click();
  }

  /** Saves a checkpoint and returns the file. */
  async download(): Promise<{ name: string; bytes: Buffer }> {
    const [download] = await Promise.all([
      this.page.waitForEvent('download'),
      this.button('Save checkpoint').click(),
    ]);
    const chunks: Buffer[] = [];
    for await (const chunk of await download.createReadStream()) chunks.push(chunk as Buffer);
    return { name: download.suggestedFilename(), bytes: Buffer.concat(chunks) };
  }

  /** Exactly one message, which says this. */
  async says(message: string | RegExp): Promise<void> {
    await expect(this.notice.getByRole('paragraph')).toHaveCount(1);
    await expect(this.notice).toContainText(message);
  }
}

/** The metadata of a checkpoint, as any safetensors reader sees it. */
export function metadata(bytes: Buffer): Record<string, string> {
  const length = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.subarray(8, 8 + length).toString()) as {
    __metadata__: Record<string, string>;
  };
  return header.__metadata__;
}
