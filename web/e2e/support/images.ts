// The Images page as a person uses it, and the model that it opens with.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, type Locator, type Page } from '@playwright/test';

import { root } from '../../../scripts/lib/paths.mjs';
import { describe } from '../../../scripts/lib/shipping.mjs';
import { TESTIDS } from '../../src/testids';
import type { Model } from './models';
import type { Site } from './site';

/** A place on the drawing pad, in its 32 pixels. */
type Place = readonly [x: number, y: number];

/** Strokes of digits as people write them. */
export const STROKES: Readonly<Record<0 | 1 | 7, readonly Place[]>> = {
  0: [...Array(25).keys()].map((i) => {
    const turn = (2 * Math.PI * i) / 24;
    return [16 + 7 * Math.sin(turn), 16 - 11 * Math.cos(turn)] as const;
  }),
  1: [
    [11, 12],
    [17, 5],
    [17, 28],
  ],
  7: [
    [9, 6],
    [23, 6],
    [14, 28],
  ],
};

/** The model of the digits that comes with the page, from the files of the project. */
export function shippedDigits(): Model {
  const folder = join(root, 'assets', 'checkpoints');
  const { checkpoints } = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as {
    checkpoints: { name: string; title: string; file: string }[];
  };
  const listed = checkpoints.find(({ name }) => name === 'digits')!;
  const file = readFileSync(join(folder, listed.file));
  const { name, title } = listed;
  return { name, title, step: describe(file).step, file, listed };
}

export class Images {
  readonly answer: Locator;
  readonly pad: Locator;
  readonly picture: Locator;
  readonly steps: Locator;
  readonly columns: Locator;
  readonly accuracy: Locator;
  readonly measured: Locator;
  readonly wrong: Locator;

  constructor(
    readonly page: Page,
    readonly site: Site,
  ) {
    this.answer = page.getByTestId(TESTIDS.answer);
    this.pad = page.getByTestId(TESTIDS.pad);
    this.picture = page.getByTestId(TESTIDS.image);
    this.steps = page.getByTestId(TESTIDS.steps);
    this.columns = page.getByTestId(TESTIDS.classes).getByRole('button');
    this.accuracy = page.getByTestId(TESTIDS.accuracy);
    this.measured = page.getByTestId(TESTIDS.measured);
    this.wrong = page.getByTestId(TESTIDS.wrong);
  }

  /** Opens the page and waits for the first answer. */
  async open(query = ''): Promise<void> {
    await this.page.goto(`${this.site.url}images.html${query}`);
    await expect(this.answer).toHaveAttribute('data-top', /\d/);
  }

  /** Draws a stroke with the pointer. `lift`: whether the pen is lifted at its end. */
  async draw(stroke: readonly Place[], lift = true): Promise<void> {
    await this.pad.scrollIntoViewIfNeeded();
    const box = (await this.pad.boundingBox())!;
    const at = ([x, y]: Place) =>
      [box.x + (x / 32) * box.width, box.y + (y / 32) * box.height] as const;
    const [first = [16, 16] as const, ...others] = stroke;
    await this.page.mouse.move(...at(first));
    await this.page.mouse.down();
    for (const place of others) await this.page.mouse.move(...at(place), { steps: 4 });
    if (lift) await this.page.mouse.up();
  }

  /** Waits until the address carries the drawing as it is now: it follows after a rest. */
  async linked(): Promise<void> {
    const drawing = await this.pad.getAttribute('data-drawing');
    await expect(this.page).toHaveURL((url) => url.searchParams.get('drawing') === drawing);
  }

  async press(name: string): Promise<void> {
    await this.page.getByRole('button', { name, exact: true }).click();
  }

  /** The class that is on top after the selected step. */
  async says(index: number): Promise<void> {
    await expect(this.answer).toHaveAttribute('data-top', String(index));
  }

  async step(step: number): Promise<void> {
    await this.page.getByRole('slider', { name: 'Outer step', exact: true }).fill(String(step));
    await expect(this.steps).toHaveAttribute('data-step', String(step));
  }

  /** The accuracy on validation images, from 0 to 1. */
  async accurate(): Promise<number> {
    return Number(await this.accuracy.getAttribute('data-accuracy'));
  }
}
