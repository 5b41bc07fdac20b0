//! The smallest recursive language model: `z = block(z + x)`, from zero.

use std::ops::Range;

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor};
use trm_spec::ToyLmSpec;

use super::chat_trm::Single;
use crate::layers::{Block, BlockSpec, Embedding, Linear};
use crate::{Autoregressive, Embedded, Init, ModelCache, Readout, Recursive};

/// The toy model. Field names are the names of the weights in checkpoints.
#[derive(Module, Debug)]
pub struct ToyLm {
    embed_tokens: Embedding,
    block: Block,
    lm_head: Linear,
    /// Rotary table, `[2, block_size, head_dim / 2]`; computed, not stored.
    rope: Tensor<3>,
}

impl ToyLm {
    /// A model with fresh weights for `vocab` tokens.
    pub fn new(spec: &ToyLmSpec, vocab: usize, init: &mut Init) -> Self {
        let dim = spec.hidden_size;
        let block = BlockSpec {
            dim,
            heads: spec.num_heads,
            inner: spec.inner_size(),
            causal: true,
            dropout: 0.0,
            eps: 1e-5,
        };
        Self {
            embed_tokens: Embedding::new(vocab, dim, init),
            block: Block::new(block, init),
            lm_head: Linear::new(dim, vocab, init),
            rope: trm_kernels::rope_table(spec.block_size, spec.head_dim(), 1e4, init.device()),
        }
    }
}

impl Recursive for ToyLm {
    /// Tokens, `[batch, seq]`.
    type Input = Tensor<2, Int>;
    type Context = Embedded;
    type State = Single;

    fn encode(&self, tokens: &Self::Input) -> Embedded {
        Embedded { x: self.embed_tokens.forward(tokens.clone()) }
    }

    fn start(&self, context: &Embedded) -> Single {
        Single { z: context.x.zeros_like() }
    }

    fn cycle(&self, context: &Embedded, state: Single) -> Single {
        Single { z: self.block.forward(state.z + context.x.clone(), &self.rope) }
    }

    fn read(&self, state: &Single) -> Readout {
        Readout { logits: self.lm_head.forward(state.z.clone()), halt: None }
    }

    fn device(&self) -> Device {
        self.rope.device()
    }
}

impl Autoregressive for ToyLm {
    fn block_size(&self) -> usize {
        self.rope.dims()[1]
    }

    fn cache(&self, depth: usize) -> ModelCache {
        ModelCache::new(depth, depth, 1, self.block_size())
    }

    fn has_extend_cycles(&self) -> bool {
        true
    }

    fn extend_cycles(
        &self,
        context: &Embedded,
        mut state: Single,
        cache: &mut ModelCache,
        cycles: Range<usize>,
        on_cycle: &mut dyn FnMut(usize, &Single),
    ) -> Single {
        for (cycle, pass) in cycles.clone().zip(cache.passes_mut(cycles)) {
            let z = state.z + context.x.clone();
            state.z = self.block.extend(z, &self.rope, &mut pass[0]);
            on_cycle(cycle + 1, &state);
        }
        state
    }
}
