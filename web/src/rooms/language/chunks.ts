// Models that draft several tokens at once.

import type { VariantSpec } from '../../gen';

/** Tokens that a model drafts at once; 1 for one that writes token by token. */
export function chunkSizeOf(model: VariantSpec | undefined): number {
  return model && 'chunk_size' in model ? model.chunk_size : 1;
}
