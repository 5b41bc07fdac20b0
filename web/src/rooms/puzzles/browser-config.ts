// Presets adapted to a browser tab: fewer puzzles to generate, and a small ARC model that
// one thread can train.

import type { Backend, RunConfig } from '../../gen';
import { ARC } from './kinds';

/** Training puzzles in a tab; each is augmented differently every time. */
const MOST_PUZZLES = 1000;

/** Attention over 900 cells: a step of the preset itself takes a CPU tens of seconds. */
const SMALL_MODEL = {
  ...{ hidden_size: 32, num_heads: 2, n_layers: 1, h_cycles: 1, l_cycles: 2 },
  ...{ halt_max_steps: 4, puzzle_emb_ndim: 32, puzzle_emb_len: 1 },
};
const SMALL_DATA = { num_aug: 4 };
const SOON = {
  ...{ max_iters: 1000, warmup_iters: 20, learning_rate: 3e-3, ema_decay: 0.99 },
};

export function inTab(config: RunConfig, backend: Backend): RunConfig {
  const { data, model, train } = config;
  if (data.dataset === ARC.name) {
    if (backend === 'webgpu' || !('halt_max_steps' in model)) return config;
    return {
      model: { ...model, ...SMALL_MODEL },
      data: { ...data, ...SMALL_DATA },
      train: { ...train, ...SOON },
    };
  }
  const fewer = {
    num_puzzles: Math.min(MOST_PUZZLES, data.num_puzzles),
    num_val_puzzles: Math.min(MOST_PUZZLES / 4, data.num_val_puzzles),
  };
  return { ...config, data: { ...data, ...fewer } };
}
