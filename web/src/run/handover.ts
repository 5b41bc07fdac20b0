// A file on its way from one page to another: stored by the first, taken by the second,
// and gone then.

import { type DBSchema, openDB } from 'idb';

interface Schema extends DBSchema {
  files: { key: string; value: Uint8Array };
}

const FILE = 'checkpoint';

const opened = (name: string) =>
  openDB<Schema>(name, 1, { upgrade: (database) => void database.createObjectStore('files') });

/** Whether the other page can take it. */
export async function handOver(file: Uint8Array, name = 'trm-handover'): Promise<boolean> {
  try {
    const database = await opened(name);
    await database.put('files', file, FILE);
    database.close();
    return true;
  } catch {
    return false;
  }
}

export async function takeOver(name = 'trm-handover'): Promise<Uint8Array | null> {
  try {
    const database = await opened(name);
    const change = database.transaction('files', 'readwrite');
    const file = await change.store.get(FILE);
    await change.store.delete(FILE);
    await change.done;
    database.close();
    return file ?? null;
  } catch {
    return null;
  }
}
