//! The causal single-state language model (Chat-TRM).
//!
//! The state starts as one learned vector at every position. Each cycle adds
//! the scaled token embedding and applies the same causal blocks. The head can
//! read the state after any cycle.
//!
//! Two settings depart from the published model: the input can be injected through
//! a learned map, and a gate can move the state towards the blocks' output instead
//! of replacing it.

use std::ops::Range;

use burn::module::{Module, Param};
use burn::nn::{Dropout, DropoutConfig};
use burn::tensor::activation::sigmoid;
use burn::tensor::{Device, Int, Tensor};
use trm_spec::{ChatTrmSpec, Injection, StateUpdate};

use crate::layers::{Block, BlockSpec, Embedding, Linear};
use crate::{Autoregressive, Embedded, Init, ModelCache, Readout, Recursive, State};

/// Chat-TRM. Field names are the names of its published weights.
#[derive(Module, Debug)]
pub struct ChatTrm {
    /// `[dim]`.
    z_init: Param<Tensor<1>>,
    embed_tokens: Embedding,
    blocks: Vec<Block>,
    lm_head: Linear,
    /// `[z; x] → z`, where the input is not simply added; `[dim, 2·dim]`.
    adapter: Option<Linear>,
    /// Logit of the share of the way that the state moves, `[dim]`.
    gate: Option<Param<Tensor<1>>>,
    dropout: Dropout,
    /// Rotary table, `[2, block_size, head_dim / 2]`; computed, not stored.
    rope: Tensor<3>,
}

/// The state of a causal model: one vector per position.
#[derive(Clone, Debug)]
pub struct Single {
    /// `[batch, seq, dim]`.
    pub z: Tensor<3>,
}

impl State for Single {
    fn map(self, change: &mut dyn FnMut(Tensor<3>) -> Tensor<3>) -> Self {
        Self { z: change(self.z) }
    }

    fn answer(&self) -> &Tensor<3> {
        &self.z
    }
}

/// Where the gate begins: a share of 0.73, near replacing the state.
const GATE_START: f32 = 1.0;

impl ChatTrm {
    /// A model with fresh weights for `vocab` tokens.
    pub fn new(spec: &ChatTrmSpec, vocab: usize, init: &mut Init) -> Self {
        let dim = spec.hidden_size;
        let block = BlockSpec {
            dim,
            heads: spec.num_heads,
            inner: spec.inner_size(),
            causal: true,
            dropout: spec.dropout,
            eps: spec.rms_norm_eps,
        };
        Self {
            embed_tokens: Embedding::new(vocab, dim, init),
            blocks: (0..spec.n_layers).map(|_| Block::new(block, init)).collect(),
            z_init: init.truncated_normal([dim], 1.0),
            lm_head: Linear::new(dim, vocab, init),
            adapter: match spec.input_injection {
                Injection::Add => None,
                Injection::Adapter => Some(Linear::new(2 * dim, dim, init)),
            },
            gate: match spec.state_update {
                StateUpdate::Replace => None,
                StateUpdate::Gated => Some(init.constant([dim], GATE_START)),
            },
            dropout: DropoutConfig::new(spec.dropout).init(),
            rope: trm_kernels::rope_table(
                spec.block_size,
                spec.head_dim(),
                spec.rope_theta,
                init.device(),
            ),
        }
    }

    /// One cycle; `run` applies block number `i`.
    fn cycle_with(
        &self,
        x: &Tensor<3>,
        z: Tensor<3>,
        mut run: impl FnMut(usize, &Block, Tensor<3>) -> Tensor<3>,
    ) -> Tensor<3> {
        let injected = match &self.adapter {
            None => z.clone() + x.clone(),
            Some(adapter) => adapter.forward(Tensor::cat(vec![z.clone(), x.clone()], 2)),
        };
        let new = self.blocks.iter().enumerate().fold(injected, |h, (i, block)| run(i, block, h));
        match &self.gate {
            None => new,
            Some(gate) => {
                let share = sigmoid(gate.val()).unsqueeze::<3>();
                z.clone() + (new - z) * share
            }
        }
    }
}

impl Recursive for ChatTrm {
    /// Tokens, `[batch, seq]`.
    type Input = Tensor<2, Int>;
    type Context = Embedded;
    type State = Single;

    fn encode(&self, tokens: &Self::Input) -> Embedded {
        Embedded { x: self.dropout.forward(self.embed_tokens.forward(tokens.clone())) }
    }

    fn start(&self, context: &Embedded) -> Single {
        let dims = context.x.dims();
        Single { z: self.z_init.val().reshape([1, 1, dims[2]]).expand(dims) }
    }

    fn cycle(&self, context: &Embedded, state: Single) -> Single {
        let z = self.cycle_with(&context.x, state.z, |_, block, h| block.forward(h, &self.rope));
        Single { z }
    }

    fn read(&self, state: &Single) -> Readout {
        Readout { logits: self.lm_head.forward(state.z.clone()), halt: None }
    }

    fn attend(&self, context: &Embedded, state: &Single) -> Vec<Tensor<4>> {
        let mut weights = Vec::with_capacity(self.blocks.len());
        self.cycle_with(&context.x, state.z.clone(), |_, block, h| {
            weights.push(block.self_attn.weights(h.clone(), &self.rope));
            block.forward(h, &self.rope)
        });
        weights
    }

    fn device(&self) -> Device {
        self.rope.device()
    }
}

impl Autoregressive for ChatTrm {
    fn block_size(&self) -> usize {
        self.rope.dims()[1]
    }

    fn cache(&self, depth: usize) -> ModelCache {
        ModelCache::new(depth, depth, self.blocks.len(), self.block_size())
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
            let z = state.z;
            state.z = self
                .cycle_with(&context.x, z, |i, block, h| block.extend(h, &self.rope, &mut pass[i]));
            on_cycle(cycle + 1, &state);
        }
        state
    }
}
