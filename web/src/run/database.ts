// Databases of the browser, opened with a time limit.

import { type DBSchema, type IDBPDatabase, openDB, type OpenDBCallbacks } from 'idb';

interface Files extends DBSchema {
  files: { key: string; value: Uint8Array };
}

/** How long the page waits for the browser's storage, in milliseconds. */
const PATIENCE = 8_000;

/**
 * The database. A browser without one, or that forbids it, throws at once or when it is
 * opened, or never answers; all three are a promise that is refused.
 */
export async function opened<S extends DBSchema>(
  name: string,
  callbacks: OpenDBCallbacks<S>,
): Promise<IDBPDatabase<S>> {
  const database = openDB<S>(name, 1, callbacks);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, refuse) => {
    timer = setTimeout(() => refuse(new Error('the browser does not open its storage')), PATIENCE);
  });
  return Promise.race([database, late]).finally(() => clearTimeout(timer));
}

/** Uses a database of files, and closes it; `null` where the browser stores nothing. */
export async function withFiles<T>(
  name: string,
  use: (database: IDBPDatabase<Files>) => Promise<T>,
): Promise<T | null> {
  try {
    const upgrade = (database: IDBPDatabase<Files>) => void database.createObjectStore('files');
    const database = await opened<Files>(name, { upgrade });
    return await use(database).finally(() => database.close());
  } catch {
    return null;
  }
}
