/** Sizes that every variant has under a name of its own. */
import type { VariantSpec } from '../gen';

/** Times that the answer is read out at most: cycles, or supervision steps. */
export function depthOf(model: VariantSpec): number {
  switch (model.variant) {
    case 'chat_trm':
    case 'chunk_lm':
    case 'trm_lm':
      return model.recursion_steps;
    case 'trm':
      return model.halt_max_steps;
    default:
      return model satisfies never;
  }
}

/** Tokens of a whole row: the context, or the cells of a puzzle. */
export function lengthOf(model: VariantSpec): number {
  switch (model.variant) {
    case 'chat_trm':
    case 'chunk_lm':
    case 'trm_lm':
      return model.block_size;
    case 'trm':
      return model.seq_len;
    default:
      return model satisfies never;
  }
}

/** Times that the blocks are applied for one token, from its embedding to its answer. */
export function callsOf(model: VariantSpec): number {
  switch (model.variant) {
    case 'chat_trm':
      return model.recursion_steps;
    case 'chunk_lm':
      // Read once; then every call sees two places of it, its draft and its reasoning.
      return 1 + 2 * model.recursion_steps * (model.l_cycles + 1);
    case 'trm_lm':
      return model.recursion_steps * (model.l_cycles + 1);
    case 'trm':
      return model.halt_max_steps * model.h_cycles * (model.l_cycles + 1);
    default:
      return model satisfies never;
  }
}
