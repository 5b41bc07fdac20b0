//! The dual-state language model (TRM-LM).
//!
//! One causal network f refines two states in turn: N times the latent one,
//! `z = α·z + f(x + y + z)`, then the answer, `y = f(y + z)`. That is a cycle, of
//! which T run. The answer is read out of `y` at every position or, as published,
//! at a row's last token. Padding stands to the right, where no token sees it, so
//! that the causal mask is the padding's mask too.
//!
//! Unlike the published code (seed 004) the states do not start at new noise in
//! every call: they start at two vectors drawn once from the seed, at two that are
//! learned, or at zero.

#![expect(non_snake_case, reason = "the names of the official TRM's weights")]

use std::ops::Range;

use burn::module::{Module, Param};
use burn::nn::{Dropout, DropoutConfig};
use burn::tensor::{Device, Int, Tensor};
use trm_spec::TrmLmSpec;

use super::trm::DualState;
use crate::layers::{Block, BlockSpec, Embedding, Linear, attention_by_block};
use crate::{Autoregressive, Embedded, Init, ModelCache, Readout, Recursive};

/// TRM-LM.
#[derive(Module, Debug)]
pub struct TrmLm {
    /// Where the answer starts, `[dim]`.
    H_init: Option<Param<Tensor<1>>>,
    /// Where the latent state starts, `[dim]`.
    L_init: Option<Param<Tensor<1>>>,
    /// Share of the old latent state in the new one where it is learned, `[1]`.
    alpha: Option<Param<Tensor<1>>>,
    embed_tokens: Embedding,
    blocks: Vec<Block>,
    lm_head: Linear,
    dropout: Dropout,
    /// Rotary table, `[2, block_size, head_dim / 2]`; computed, not stored.
    rope: Tensor<3>,
    /// The share where it is fixed.
    #[module(skip)]
    fixed_alpha: f64,
    #[module(skip)]
    l_cycles: usize,
}

impl TrmLm {
    /// A model with fresh weights for `vocab` tokens.
    pub fn new(spec: &TrmLmSpec, vocab: usize, init: &mut Init) -> Self {
        let dim = spec.hidden_size;
        let block = BlockSpec {
            dim,
            heads: spec.num_heads,
            inner: spec.inner_size(),
            causal: true,
            dropout: spec.dropout,
            eps: spec.rms_norm_eps,
        };
        let embed_tokens = Embedding::new(vocab, dim, init);
        let blocks = (0..spec.n_layers).map(|_| Block::new(block, init)).collect();
        let lm_head = Linear::new(dim, vocab, init);
        Self {
            H_init: init.state_start(spec.state_start, dim),
            L_init: init.state_start(spec.state_start, dim),
            alpha: spec.learnable_alpha.then(|| init.constant([1], spec.alpha as f32)),
            embed_tokens,
            blocks,
            lm_head,
            dropout: DropoutConfig::new(spec.dropout).init(),
            rope: trm_kernels::rope_table(
                spec.block_size,
                spec.head_dim(),
                spec.rope_theta,
                init.device(),
            ),
            fixed_alpha: spec.alpha,
            l_cycles: spec.l_cycles,
        }
    }

    /// What is kept of the latent state, `α·z`, where anything is.
    fn kept(&self, z: &Tensor<3>) -> Option<Tensor<3>> {
        match &self.alpha {
            Some(alpha) => Some(z.clone() * alpha.val().unsqueeze::<3>()),
            None if self.fixed_alpha == 0.0 => None,
            None => Some(z.clone().mul_scalar(self.fixed_alpha)),
        }
    }

    /// One cycle; `network` applies f and is called once for every use of it.
    fn cycle_with(
        &self,
        x: &Tensor<3>,
        state: DualState,
        mut network: impl FnMut(Tensor<3>) -> Tensor<3>,
    ) -> DualState {
        let DualState { y, mut z } = state;
        let input = x.clone() + y.clone();
        for _ in 0..self.l_cycles {
            let new = network(input.clone() + z.clone());
            z = match self.kept(&z) {
                Some(kept) => kept + new,
                None => new,
            };
        }
        DualState { y: network(y + z.clone()), z }
    }
}

impl Recursive for TrmLm {
    /// Tokens, `[batch, seq]`.
    type Input = Tensor<2, Int>;
    type Context = Embedded;
    type State = DualState;

    fn encode(&self, tokens: &Self::Input) -> Embedded {
        Embedded { x: self.dropout.forward(self.embed_tokens.forward(tokens.clone())) }
    }

    fn start(&self, context: &Embedded) -> DualState {
        DualState::start(self.H_init.as_ref(), self.L_init.as_ref(), &context.x)
    }

    fn cycle(&self, context: &Embedded, state: DualState) -> DualState {
        self.cycle_with(&context.x, state, |h| {
            self.blocks.iter().fold(h, |h, block| block.forward(h, &self.rope))
        })
    }

    fn read(&self, state: &DualState) -> Readout {
        Readout { logits: self.lm_head.forward(state.y.clone()), halt: None }
    }

    /// Of the first latent step.
    fn attend(&self, context: &Embedded, state: &DualState) -> Vec<Tensor<4>> {
        attention_by_block(
            &self.blocks,
            context.x.clone() + state.y.clone() + state.z.clone(),
            |block, h| Some(block.self_attn.weights(h, &self.rope)),
            |block, h| block.forward(h, &self.rope),
        )
    }

    fn device(&self) -> Device {
        self.rope.device()
    }
}

impl Autoregressive for TrmLm {
    fn block_size(&self) -> usize {
        self.rope.dims()[1]
    }

    fn cache(&self, depth: usize) -> ModelCache {
        let passes = depth * (self.l_cycles + 1);
        ModelCache::new(depth, passes, self.blocks.len(), self.block_size())
    }

    fn has_extend_cycles(&self) -> bool {
        true
    }

    fn extend_cycles(
        &self,
        context: &Embedded,
        mut state: DualState,
        cache: &mut ModelCache,
        cycles: Range<usize>,
        on_cycle: &mut dyn FnMut(usize, &DualState),
    ) -> DualState {
        let calls = self.l_cycles + 1;
        let mut passes = cache.passes_mut(cycles.start * calls..cycles.end * calls);
        for cycle in cycles {
            state = self.cycle_with(&context.x, state, |h| {
                let pass = passes.next().expect("a pass for every call of the network");
                let blocks = self.blocks.iter().zip(pass);
                blocks.fold(h, |h, (block, cache)| block.extend(h, &self.rope, cache))
            });
            on_cycle(cycle + 1, &state);
        }
        state
    }
}
