// The base model in the browser's own file system (OPFS), in parts: a download that breaks
// off goes on where it stopped, and a model counts as kept only when all of it is there.

import type { Expected } from '../../run/download';

/** Bytes of a part. */
export const PART = 4 << 20;

/** A base model that is kept. */
export interface KeptBase extends Expected {
  readonly name: string;
}

const FOLDER = 'bases';
/** Written when all parts are there. */
const ABOUT = 'about.json';

type Root = () => Promise<FileSystemDirectoryHandle>;

const browser: Root = () => navigator.storage.getDirectory();

export class BaseStore {
  readonly #root: Root;

  constructor(root: Root = browser) {
    this.#root = root;
  }

  /** The base that is kept whole; `null` where there is none, or no storage. */
  async kept(): Promise<KeptBase | null> {
    try {
      const folder = await this.#folder();
      for await (const [name, entry] of folder.entries()) {
        if (!isFolder(entry)) continue;
        const about = readAbout(await textOf(entry, ABOUT));
        if (about?.sha256 === name && (await sizeOf(entry)) === about.bytes) return about;
      }
    } catch {
      // No storage: nothing is kept.
    }
    return null;
  }

  /**
   * The kept base as one file; `null` where a part of it is missing. Throws where it cannot
   * be read: it may be whole all the same.
   */
  async read(base: KeptBase): Promise<Uint8Array<ArrayBuffer> | null> {
    try {
      const folder = await (await this.#folder()).getDirectoryHandle(base.sha256);
      const file = new Uint8Array(base.bytes);
      const filled = await fill(folder, file);
      return filled === base.bytes ? file : null;
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  }

  /** The whole parts of a download that broke off, put into `file`; how many bytes. */
  async resume(sha256: string, file: Uint8Array): Promise<number> {
    try {
      const folder = await (await this.#folder()).getDirectoryHandle(sha256);
      const filled = await fill(folder, file);
      return filled - (filled % PART);
    } catch {
      return 0;
    }
  }

  /** Keeps a part. Throws where the storage is full or forbidden. */
  async put(sha256: string, part: number, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const folder = await (await this.#folder()).getDirectoryHandle(sha256, { create: true });
    await write(folder, partName(part), bytes);
  }

  /** All parts of a base are there: it is kept from now on, and no other one is. */
  async finish(base: KeptBase): Promise<void> {
    const all = await this.#folder();
    const folder = await all.getDirectoryHandle(base.sha256, { create: true });
    await write(folder, ABOUT, new TextEncoder().encode(JSON.stringify(base)));
    for await (const name of all.keys()) {
      if (name !== base.sha256) await all.removeEntry(name, { recursive: true });
    }
  }

  /** Keeps a file that the visitor chose. Throws where the storage is full or forbidden. */
  async keep(base: KeptBase, file: Blob): Promise<void> {
    try {
      for (let part = 0; part * PART < file.size; part += 1) {
        const piece = file.slice(part * PART, (part + 1) * PART);
        await this.put(base.sha256, part, new Uint8Array(await piece.arrayBuffer()));
      }
      await this.finish(base);
    } catch (error) {
      await this.drop(base.sha256);
      throw error;
    }
  }

  /** Removes what there is of one base. */
  async drop(sha256: string): Promise<void> {
    try {
      await (await this.#folder()).removeEntry(sha256, { recursive: true });
    } catch {
      // It is not there.
    }
  }

  /** Removes everything; whether it is gone. */
  async forget(): Promise<boolean> {
    try {
      await (await this.#root()).removeEntry(FOLDER, { recursive: true });
      return true;
    } catch {
      return (await this.kept()) === null;
    }
  }

  async #folder(): Promise<FileSystemDirectoryHandle> {
    return (await this.#root()).getDirectoryHandle(FOLDER, { create: true });
  }
}

const partName = (part: number): string => `part-${String(part).padStart(5, '0')}`;

function isFolder(entry: FileSystemHandle): entry is FileSystemDirectoryHandle {
  return entry.kind === 'directory';
}

/** Whether an entry does not exist; other errors say nothing about it. */
function isMissing(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'NotFoundError';
}

/** Puts the parts into `file`, as far as there is no gap; how many bytes. */
async function fill(folder: FileSystemDirectoryHandle, file: Uint8Array): Promise<number> {
  let filled = 0;
  for (let part = 0; filled < file.length; part += 1) {
    const bytes = await bytesOf(folder, partName(part));
    if (!bytes || filled + bytes.length > file.length) break;
    file.set(bytes, filled);
    filled += bytes.length;
    // Only the last one is shorter.
    if (bytes.length !== PART) break;
  }
  return filled;
}

async function sizeOf(folder: FileSystemDirectoryHandle): Promise<number> {
  let size = 0;
  for await (const [name, entry] of folder.entries()) {
    if (name !== ABOUT && entry.kind === 'file') {
      size += (await (await folder.getFileHandle(name)).getFile()).size;
    }
  }
  return size;
}

/** `null` where there is no such file. */
async function bytesOf(
  folder: FileSystemDirectoryHandle,
  name: string,
): Promise<Uint8Array | null> {
  try {
    const file = await (await folder.getFileHandle(name)).getFile();
    return new Uint8Array(await file.arrayBuffer());
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

async function textOf(folder: FileSystemDirectoryHandle, name: string): Promise<string> {
  return new TextDecoder().decode((await bytesOf(folder, name)) ?? new Uint8Array());
}

async function write(
  folder: FileSystemDirectoryHandle,
  name: string,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<void> {
  const file = await folder.getFileHandle(name, { create: true });
  // Written beside the old file, which it replaces when it is closed.
  const writable = await file.createWritable();
  try {
    await writable.write(bytes);
    await writable.close();
  } catch (error) {
    await writable.abort().catch(() => undefined);
    throw error;
  }
}

function readAbout(text: string): KeptBase | null {
  try {
    const about: unknown = JSON.parse(text);
    return isKept(about) ? about : null;
  } catch {
    return null;
  }
}

function isKept(about: unknown): about is KeptBase {
  if (typeof about !== 'object' || about === null) return false;
  const known = new Map<string, unknown>(Object.entries(about));
  const texts = ['name', 'sha256'].every((key) => typeof known.get(key) === 'string');
  return texts && typeof known.get('bytes') === 'number';
}
