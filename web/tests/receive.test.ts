import { beforeEach, expect, test, vi } from 'vitest';

import { receive, type Receiver } from '../src/ui/receive';

const openCheckpoint = vi.fn<Receiver['openCheckpoint']>();
const takeText = vi.fn<Receiver['takeText']>();
const refuse = vi.fn<Receiver['refuse']>();
const page: Receiver = { openCheckpoint, takeText, refuse };

beforeEach(() => vi.resetAllMocks());

/** A file that is gone when it is read. */
function gone(name: string): File {
  const file = new File(['x'], name);
  file.arrayBuffer = () => Promise.reject(new DOMException('gone', 'NotReadableError'));
  return file;
}

test('a checkpoint is known by its name, in capitals too', async () => {
  for (const name of ['bard.safetensors', 'bard.SAFETENSORS']) {
    await receive(page, new File(['abc'], name));
    expect(openCheckpoint).toHaveBeenLastCalledWith(Uint8Array.of(97, 98, 99), 'bard');
  }
  await receive(page, new File(['abc'], 'words.txt'));
  expect(takeText).toHaveBeenLastCalledWith('words.txt', 'abc');
  expect(refuse).not.toHaveBeenCalled();
});

test('a file that cannot be read is refused with a message', async () => {
  for (const name of ['bard.safetensors', 'words.txt']) {
    await receive(page, gone(name));
    expect(refuse.mock.lastCall?.[0]).toBe(`The file “${name}” could not be read.`);
  }
  expect(openCheckpoint).not.toHaveBeenCalled();
});

test('a file that a tab has no room for is refused before it is read', async () => {
  for (const [name, size, said] of [
    ['bard.safetensors', 1.2e9, '“bard.safetensors” has 1.2 GB, and a tab has room for 1.0 GB.'],
    ['words.txt', 70e6, '“words.txt” has 70.0 MB, and a tab has room for 64.0 MB.'],
  ] as const) {
    const file = new File(['x'], name);
    vi.spyOn(file, 'size', 'get').mockReturnValue(size);
    const read = vi.spyOn(file, 'arrayBuffer');
    await receive(page, file);
    expect(refuse.mock.lastCall?.[0]).toBe(said);
    expect(read).not.toHaveBeenCalled();
  }
});

test('a text that is no UTF-8 is refused', async () => {
  await receive(page, new File([Uint8Array.of(0x63, 0xe9)], 'words.txt'));
  expect(refuse.mock.lastCall?.[0]).toContain('neither a .safetensors file nor UTF-8 text');
});

test('a base model belongs to the Questions page', async () => {
  const takeFile = vi.fn(() => true);
  await receive({ ...page, takeFile }, new File(['GGUF'], 'base.GGUF'));
  expect(refuse).toHaveBeenCalledWith(
    '“base.GGUF” is a base model.',
    'Drop it on the Questions page, which opens it.',
  );
  expect(takeFile).not.toHaveBeenCalled();
});
