// Takes a file from the visitor: a checkpoint if its name says so, what only this page
// reads, or text.

import { tooLargeFor } from '../run/limits';

/** Larger files do not fit into a tab's memory, which holds them several times. */
const LARGEST = 1e9;
const LARGEST_TEXT = 64e6;

/** What becomes of a file. */
export interface Receiver {
  /** `name`: of the file, without its ending. */
  openCheckpoint(bytes: Uint8Array, name: string): void;
  /** Takes a file that is no text, where the page reads such files; whether it did. */
  takeFile?(file: File): boolean;
  takeText(name: string, text: string): void;
  refuse(message: string, hint: string): void;
}

const CHECKPOINT = /\.safetensors$/i;

export async function receive(page: Receiver, file: File): Promise<void> {
  const { name } = file;
  if (file.size === 0) {
    page.refuse(`The file “${name}” is empty (0 bytes).`, 'Choose another file.');
    return;
  }
  if (CHECKPOINT.test(name)) {
    if (file.size > LARGEST)
      return page.refuse(tooLargeFor(file, LARGEST), 'Use trm-native for it.');
    const bytes = await contentOf(page, file);
    if (bytes) page.openCheckpoint(bytes, name.replace(CHECKPOINT, ''));
    return;
  }
  if (/\.gguf$/i.test(name)) {
    page.refuse(`“${name}” is a base model.`, 'Drop it on the Questions page, which opens it.');
    return;
  }
  if (page.takeFile?.(file)) return;
  if (file.type.startsWith('image/') || /\.(jpe?g|png|webp|gif|bmp|heic)$/i.test(name)) {
    page.refuse(`“${name}” is a picture.`, 'Drop it on the Images page, which classifies it.');
    return;
  }
  if (file.size > LARGEST_TEXT) {
    return page.refuse(
      tooLargeFor(file, LARGEST_TEXT),
      'Use the native program for it: trm-native train --data FILE.',
    );
  }
  const bytes = await contentOf(page, file);
  if (!bytes) return;
  try {
    page.takeText(name, new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    page.refuse(
      `The file “${name}” is neither a .safetensors file nor UTF-8 text.`,
      'Save the text as UTF-8 and drop it again.',
    );
  }
}

/** The bytes of a file; `null`, and a message, where it cannot be read. */
async function contentOf(page: Receiver, file: File): Promise<Uint8Array | null> {
  try {
    return new Uint8Array(await file.arrayBuffer());
  } catch {
    page.refuse(`The file “${file.name}” could not be read.`, 'Choose it again.');
    return null;
  }
}
