// A file on its way from one page to another: stored by the first, and forgotten once the
// second has opened it.

import { withFiles } from './database';

const NAME = 'trm-handover';
const FILE = 'checkpoint';

/** Message and hint on a page to which a file was handed over that is not there. */
export const NOT_ARRIVED = [
  'The file from the other page did not arrive.',
  'Drop it here again.',
] as const;

/** Whether the other page can take it. */
export async function handOver(file: Uint8Array, name = NAME): Promise<boolean> {
  // An earlier one goes first: it must not be opened where this one finds no room.
  await forgetHanded(name);
  return (await withFiles(name, (database) => database.put('files', file, FILE))) !== null;
}

/** The file that another page left. */
export async function handedOver(name = NAME): Promise<Uint8Array | null> {
  return (await withFiles(name, (database) => database.get('files', FILE))) ?? null;
}

/** Forgets the file that another page left. */
export async function forgetHanded(name = NAME): Promise<void> {
  await withFiles(name, (database) => database.delete('files', FILE));
}

/** The file that another page left, which is then forgotten. */
export async function takeOver(name = NAME): Promise<Uint8Array | null> {
  const file = await handedOver(name);
  await forgetHanded(name);
  return file;
}
