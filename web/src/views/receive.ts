// Something from the visitor: a file is a checkpoint by its name, anything else is text.

import type { Lab } from '../control/lab.svelte';

/** Files above this are no text that a tab could train on. */
const LARGEST_TEXT = 64 << 20;

/** Characters below which a pasted text was meant for something else. */
const SHORTEST_PASTE = 1000;

/** A text that was pasted on the page, not into a field of it. */
export function receiveText(lab: Lab, text: string): void {
  if (text.length >= SHORTEST_PASTE) lab.chooseText('pasted text', text);
}

export async function receive(lab: Lab, file: File): Promise<void> {
  if (file.name.endsWith('.safetensors')) {
    lab.openCheckpoint(new Uint8Array(await file.arrayBuffer()));
    return;
  }
  if (file.size > LARGEST_TEXT) {
    lab.refuse(
      `The file “${file.name}” is larger than 64 MB.`,
      'Train on it with the native program.',
    );
    return;
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(await file.arrayBuffer());
    lab.chooseText(file.name, text);
  } catch {
    lab.refuse(
      `The file “${file.name}” is neither a .safetensors file nor UTF-8 text.`,
      'Save the text as UTF-8 and drop it again.',
    );
  }
}
