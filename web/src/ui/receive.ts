// Takes a file from the visitor: a checkpoint if its name says so, what only this page
// reads, or text.

/** Larger texts do not fit into a tab's memory. */
const LARGEST_TEXT = 64 << 20;

/** What becomes of a file. */
export interface Receiver {
  /** `name`: of the file, without its ending. */
  openCheckpoint(bytes: Uint8Array, name: string): void;
  /** Takes a file that is no text, where the page reads such files; whether it did. */
  takeFile?(file: File): boolean;
  takeText(name: string, text: string): void;
  refuse(message: string, hint: string): void;
}

const stem = (name: string): string => name.replace(/\.safetensors$/, '');

export async function receive(page: Receiver, file: File): Promise<void> {
  if (file.size === 0) {
    page.refuse(`The file “${file.name}” is empty (0 bytes).`, 'Choose another file.');
    return;
  }
  if (file.name.endsWith('.safetensors')) {
    page.openCheckpoint(new Uint8Array(await file.arrayBuffer()), stem(file.name));
    return;
  }
  if (page.takeFile?.(file)) return;
  if (file.type.startsWith('image/') || /\.(jpe?g|png|webp|gif|bmp|heic)$/i.test(file.name)) {
    page.refuse(`“${file.name}” is a picture.`, 'Drop it on the Images page, which classifies it.');
    return;
  }
  if (file.size > LARGEST_TEXT) {
    page.refuse(
      `The file “${file.name}” is larger than 64 MB.`,
      'Use the native program for it: trm-native train --data FILE.',
    );
    return;
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(await file.arrayBuffer());
    page.takeText(file.name, text);
  } catch {
    page.refuse(
      `The file “${file.name}” is neither a .safetensors file nor UTF-8 text.`,
      'Save the text as UTF-8 and drop it again.',
    );
  }
}
