// The browser's own file system as far as the page uses it, in memory, with as much room as
// a test wants.

type Entry = Folder | Uint8Array<ArrayBuffer>;

export class Folder {
  /** Why no file below it can be read; `null` where every one can. */
  broken: DOMException | null = null;
  readonly #entries = new Map<string, Entry>();
  readonly #room: number;
  readonly #top: Folder;

  constructor(room = Infinity, top?: Folder) {
    this.#room = room;
    this.#top = top ?? this;
  }

  static root(): () => Promise<FileSystemDirectoryHandle> {
    const { handle } = new Folder();
    return () => Promise.resolve(handle);
  }

  /** Bytes of all files. */
  used(): number {
    return [...this.#entries.values()].reduce(
      (sum, entry) => sum + (entry instanceof Folder ? entry.used() : entry.length),
      0,
    );
  }

  get handle(): FileSystemDirectoryHandle {
    // Only these methods are used.
    // eslint-disable-next-line @typescript-eslint/consistent-type-assertions
    return {
      kind: 'directory',
      getDirectoryHandle: (name: string, options?: { create?: boolean }) =>
        settled(() => this.#folder(name, options?.create ?? false).handle),
      getFileHandle: (name: string, options?: { create?: boolean }) =>
        settled(() => this.#file(name, options?.create ?? false)),
      removeEntry: (name: string) =>
        settled(() => {
          if (!this.#entries.delete(name)) throw missing();
        }),
      keys: () => each([...this.#entries.keys()]),
      entries: () =>
        each(
          [...this.#entries].map(([name, entry]) => [
            name,
            entry instanceof Folder ? entry.handle : { kind: 'file' },
          ]),
        ),
    } as unknown as FileSystemDirectoryHandle;
  }

  #folder(name: string, create: boolean): Folder {
    const found = this.#entries.get(name);
    if (found instanceof Folder) return found;
    if (!create) throw missing();
    const folder = new Folder(this.#room, this.#top);
    this.#entries.set(name, folder);
    return folder;
  }

  #file(name: string, create: boolean): unknown {
    if (!this.#entries.has(name)) {
      if (!create) throw missing();
      this.#entries.set(name, new Uint8Array());
    }
    const read = () => {
      if (this.#top.broken) throw this.#top.broken;
      const found = this.#entries.get(name);
      return found instanceof Uint8Array ? new Blob([found]) : new Blob();
    };
    let written = new Uint8Array();
    const write = (bytes: Uint8Array<ArrayBuffer>) =>
      settled(() => {
        if (this.#top.used() + bytes.length > this.#room) {
          throw new DOMException('full', 'QuotaExceededError');
        }
        written = bytes.slice();
      });
    const close = () => settled(() => void this.#entries.set(name, written));
    const writable = { write, close, abort: () => Promise.resolve() };
    return {
      getFile: () => settled(read),
      createWritable: () => Promise.resolve(writable),
    };
  }
}

/** What `work` gives or throws, as a promise. */
function settled<T>(work: () => T): Promise<T> {
  return new Promise((resolve) => resolve(work()));
}

async function* each<T>(values: readonly T[]): AsyncGenerator<T> {
  for (const value of values) yield await Promise.resolve(value);
}

const missing = () => new DOMException('missing', 'NotFoundError');
