// ARC tasks on the Puzzles page as a person uses them, and a model that learns soon.

import { expect, type Locator, type Page } from '@playwright/test';

import { TESTIDS } from '../../src/testids';
import type { Site } from './site';

/** A run whose steps take no time; it does not end by itself. */
export const SMALL = `?${new URLSearchParams({
  ...{ preset: 'arc', hidden_size: '16', num_heads: '2', n_layers: '1', h_cycles: '1' },
  ...{ l_cycles: '1', halt_max_steps: '2', puzzle_emb_ndim: '16', puzzle_emb_len: '1' },
  ...{ batch_size: '2', num_aug: '2', max_iters: '100000', task: 'mirror' },
})}`;

export class ArcPage {
  readonly task: Locator;
  readonly augmentation: Locator;
  readonly attempts: Locator;
  readonly knowledge: Locator;

  constructor(
    readonly page: Page,
    readonly site: Site,
  ) {
    this.task = page.getByTestId(TESTIDS.task);
    this.augmentation = page.getByTestId(TESTIDS.augmentation);
    this.attempts = page.getByTestId(TESTIDS.attempts);
    this.knowledge = page.getByTestId(TESTIDS.knowledge);
  }

  async visit(query: string): Promise<void> {
    await this.page.goto(`${this.site.url}puzzles.html${query}`);
  }

  /** Opens an address whose run is new. */
  async open(query: string): Promise<void> {
    await this.visit(query);
    const step = this.page.getByTestId(TESTIDS.step);
    await expect(step).toHaveAttribute('data-phase', 'paused', { timeout: 60_000 });
  }

  grid(name: string): Locator {
    return this.page.getByRole('img', { name: new RegExp(`^${name}:`) });
  }

  /** Asks for an answer and waits until every augmented copy has voted. */
  async answer(): Promise<void> {
    const button = this.page.getByRole('button', { name: 'Answer', exact: true });
    await button.click();
    await expect(this.attempts).toBeVisible();
    await expect(button).toBeVisible();
  }

  /** Augmented copies that have voted, and all. */
  async counted(): Promise<number[]> {
    const { attempts } = this;
    const counts = [attempts.getAttribute('data-votes'), attempts.getAttribute('data-of')];
    return (await Promise.all(counts)).map(Number);
  }

  /** Votes for each attempt. */
  async votes(): Promise<number[]> {
    const attempts = await this.attempts.getByRole('listitem').all();
    return Promise.all(attempts.map(async (each) => Number(await each.getAttribute('data-votes'))));
  }

  /** Votes for answers that are no attempt. */
  async others(): Promise<number> {
    return Number(await this.attempts.getAttribute('data-others'));
  }
}
