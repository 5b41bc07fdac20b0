// Takes a file from the visitor: a checkpoint if its name says so, else text.

import type { RunController } from '../run/controller.svelte';

/** Larger texts do not fit into a tab's memory. */
const LARGEST_TEXT = 64 << 20;

export async function receive(lab: RunController, file: File): Promise<void> {
  if (file.name.endsWith('.safetensors')) {
    lab.openCheckpoint(new Uint8Array(await file.arrayBuffer()));
    return;
  }
  if (file.size > LARGEST_TEXT) {
    lab.refuse(
      `The file “${file.name}” is larger than 64 MB.`,
      'Use the native program for it: trm-native train --data FILE.',
    );
    return;
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(await file.arrayBuffer());
    lab.takeText(file.name, text);
  } catch {
    lab.refuse(
      `The file “${file.name}” is neither a .safetensors file nor UTF-8 text.`,
      'Save the text as UTF-8 and drop it again.',
    );
  }
}
