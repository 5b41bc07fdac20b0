/** Sizes that every variant has under a name of its own. */
import type { VariantSpec } from '../gen';

/** Times that the answer is read out at most: cycles, or supervision steps. */
export function depthOf(model: VariantSpec): number {
  switch (model.variant) {
    case 'causal':
    case 'chunk':
    case 'last_token':
      return model.recursion_steps;
    case 'dual':
      return model.halt_max_steps;
    default:
      return model satisfies never;
  }
}

/** Tokens of a whole row: the context, or the cells of a puzzle. */
export function lengthOf(model: VariantSpec): number {
  switch (model.variant) {
    case 'causal':
    case 'chunk':
    case 'last_token':
      return model.block_size;
    case 'dual':
      return model.seq_len;
    default:
      return model satisfies never;
  }
}
