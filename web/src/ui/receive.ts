// Takes a file from the visitor: a checkpoint if its name says so, what only this page
// reads, or text.

/** Larger texts do not fit into a tab's memory. */
const LARGEST_TEXT = 64 << 20;

/** What becomes of a file. */
export interface Receiver {
  openCheckpoint(bytes: Uint8Array): void;
  /** Takes a file that is no text, where the page reads such files; whether it did. */
  takeFile?(file: File): boolean;
  takeText(name: string, text: string): void;
  refuse(message: string, hint: string): void;
}

export async function receive(page: Receiver, file: File): Promise<void> {
  if (file.name.endsWith('.safetensors')) {
    page.openCheckpoint(new Uint8Array(await file.arrayBuffer()));
    return;
  }
  if (page.takeFile?.(file)) return;
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
