// The Puzzles page as a person uses it, and the solver that it opens with.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, type Locator, type Page } from '@playwright/test';

import { checkpoints } from '../../../scripts/lib/paths.mjs';
import { describe, entry } from '../../../scripts/lib/shipping.mjs';
import { TESTIDS } from '../../src/testids';
import type { Model } from './models';
import type { Site } from './site';

/** The trained 4×4 solver that comes with the page. */
export function shippedSolver(): Model {
  const [name, title] = ['sudoku-4x4', 'Sudoku 4×4'];
  const file = readFileSync(join(checkpoints, `${name}.safetensors`));
  const about = describe(file);
  const listed: object = entry({
    name,
    title,
    description: 'Made for a story.',
    command: `trm-native train ${name}`,
    hardware: 'the machine of the story',
    minutes: 1,
    bytes: file.length,
    sha256: createHash('sha256').update(file).digest('hex'),
    about,
    losses: [{ depth: 8, loss: 0.02 }],
  });
  return { name, title, step: about.step, file, listed };
}

export class Puzzles {
  readonly answer: Locator;
  readonly board: Locator;
  readonly validity: Locator;
  readonly steps: Locator;
  readonly halting: Locator;
  readonly copies: Locator;
  readonly scores: Locator;

  constructor(
    readonly page: Page,
    readonly site: Site,
  ) {
    this.answer = page.getByTestId(TESTIDS.answer);
    this.board = page.getByTestId(TESTIDS.board);
    this.validity = page.getByTestId(TESTIDS.puzzle);
    this.steps = page.getByTestId(TESTIDS.steps);
    this.halting = page.getByTestId(TESTIDS.halting);
    this.copies = page.getByTestId(TESTIDS.copies);
    this.scores = page.getByTestId(TESTIDS.accuracy);
  }

  async open(query = ''): Promise<void> {
    await this.page.goto(`${this.site.url}puzzles.html${query}`);
    await expect(this.answer).toBeVisible({ timeout: 60_000 });
  }

  cell(at: number): Locator {
    return this.board.locator(`[data-at="${at}"]`);
  }

  /** Looks at a step. */
  async at(step: number): Promise<void> {
    await this.page.getByRole('slider', { name: 'Step' }).fill(String(step));
    await expect(this.steps).toHaveAttribute('data-step', String(step));
  }

  /** The answer after the last step, once it is shown. */
  async solved(solved = true): Promise<void> {
    await expect(this.steps).toHaveAttribute('data-playing', 'false');
    await expect(this.answer).toHaveAttribute('data-solved', String(solved));
  }

  async paste(text: string): Promise<void> {
    const field = this.page.getByRole('textbox', { name: /^One line of|rows of/ });
    if (!(await field.isVisible())) await this.page.getByText('Paste a puzzle').click();
    await field.fill(text);
    await this.page.getByRole('button', { name: 'Load puzzle' }).click();
  }
}
