import { expect, test } from 'vitest';

import { SessionClient } from '../src/client/client';
import { type Command, type Event, MODELS } from '../src/gen';
import { TextDatasets } from '../src/rooms/language/datasets';
import { WorkerRun } from '../src/run/worker-run';
import { Answering } from './support/session';

/** Must not be asked. */
class Silent extends Answering {
  readonly asked: Command[] = [];

  protected answer(command: Command): Event {
    this.asked.push(command);
    return { type: 'closed', stream: 0 };
  }
}

function checkpoint(variant: string): Uint8Array {
  const about = { config: JSON.stringify({ model: { variant } }) };
  const header = new TextEncoder().encode(JSON.stringify({ __metadata__: about }));
  const file = new Uint8Array(8 + header.length);
  new DataView(file.buffer).setBigUint64(0, BigInt(header.length), true);
  file.set(header, 8);
  return file;
}

test('a pretrained decoder is refused by the pages that cannot open one, before the worker gets it', async () => {
  const names = MODELS.filter((model) => model.pretrained).map((model) => model.name);
  expect(names.length).toBeGreaterThan(0);
  for (const name of names) {
    const session = new Silent();
    const client = new SessionClient(session);
    const run = new WorkerRun('language', new TextDatasets());
    const refused = run.load(client, checkpoint(name), null, null);
    await expect(refused).rejects.toMatchObject({ failure: { kind: 'family' } });
    await expect(refused).rejects.toThrow('which this page cannot open');
    expect(session.asked).toEqual([]);
  }
});
