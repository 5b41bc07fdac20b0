// The models that come with the page, in a story: made by the native binary, and
// listed in a manifest of the story's own.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { BrowserContext } from '@playwright/test';

import { describe, entry, withEntry } from '../../../scripts/lib/shipping.mjs';
import type { DepthLoss } from '../../src/gen';
import { trm, trmJson } from './native';
import { trainNatively } from './numbers';

/** One trained model and what the manifest says of it. */
export interface Model {
  readonly name: string;
  readonly title: string;
  readonly step: number;
  readonly file: Buffer;
  readonly listed: object;
}

/** A tiny model that has made all its steps, in half precision as all that are shipped. */
export function trainedModel(folder: string, steps: number): Model {
  const run = trainNatively(folder, steps);
  const path = join(folder, 'shipped.safetensors');
  trm('convert', join(run, 'last.safetensors'), '--from', 'trm', '--dtype', 'f16', '--to', path);
  const { depths: losses } = trmJson<{ depths: DepthLoss[] }>(
    'eval',
    path,
    '--depths',
    '1..4',
    '--device',
    'cpu',
  );
  const file = readFileSync(path);
  const [name, title] = ['tiny-shakespeare', 'A tiny Shakespeare'];
  const listed: object = entry({
    name,
    title,
    description: 'Made for a story.',
    command: `trm-native train tiny --max-iters ${steps}`,
    hardware: 'the machine of the story',
    minutes: 0.1,
    bytes: file.length,
    sha256: createHash('sha256').update(file).digest('hex'),
    about: describe(file),
    losses,
  });
  return { name, title, step: steps, file, listed };
}

/** What the server has under `checkpoints/`, for all pages of a story. */
export class Models {
  /** Files that were asked for. */
  fetched = 0;

  constructor(private readonly context: BrowserContext) {}

  async none(): Promise<void> {
    await this.context.route('**/checkpoints/**', (route) => route.fulfill({ status: 404 }));
  }

  /** A list with one model; `file` takes the place of its own. */
  async serve(model: Model, file = model.file): Promise<void> {
    await this.context.route('**/checkpoints/manifest.json', (route) =>
      route.fulfill({ json: withEntry(null, model.listed) as object }),
    );
    await this.context.route('**/checkpoints/*.safetensors?*', (route) => {
      this.fetched += 1;
      return route.fulfill({ body: file, contentType: 'application/octet-stream' });
    });
  }

  /** What really comes with the page. */
  async real(): Promise<void> {
    await this.context.unroute('**/checkpoints/**');
  }

  /** A list that says this. */
  async say(body: string): Promise<void> {
    await this.context.route('**/checkpoints/manifest.json', (route) =>
      route.fulfill({ body, contentType: 'application/json' }),
    );
  }
}
