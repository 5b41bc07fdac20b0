//! One post-norm transformer block.

use std::ops::Range;

use burn::module::Module;
use burn::nn::{Dropout, DropoutConfig};
use burn::tensor::Tensor;

use super::{DraftPositions, KeyValues, SelfAttention, SwiGlu};
use crate::{Init, KvCache};

/// Sizes of a block.
#[derive(Clone, Copy, Debug)]
pub struct BlockSpec {
    /// Width of the residual stream.
    pub dim: usize,
    /// Attention heads; they divide `dim`.
    pub heads: usize,
    /// Inner width of the SwiGLU.
    pub inner: usize,
    /// Whether a position attends only to itself and those before it.
    pub causal: bool,
    /// Probability of dropping an activation that is added.
    pub dropout: f64,
    /// Added to the mean square under the root of RMSNorm.
    pub eps: f64,
}

/// `h = rms(h + attention(h)); h = rms(h + swiglu(h))`, without learned norms
/// (official TRM). Dropout falls on what is added, as in nanoGPT.
#[derive(Module, Debug)]
pub struct Block {
    /// The attention layer.
    pub self_attn: SelfAttention,
    /// The feed-forward layer.
    pub mlp: SwiGlu,
    dropout: Dropout,
    #[module(skip)]
    eps: f64,
}

impl Block {
    /// A block of the sizes of `spec`.
    pub fn new(spec: BlockSpec, init: &mut Init) -> Self {
        Self {
            self_attn: SelfAttention::new(spec.dim, spec.heads, spec.causal, init),
            mlp: SwiGlu::new(spec.dim, spec.inner, init),
            dropout: DropoutConfig::new(spec.dropout).init(),
            eps: spec.eps,
        }
    }

    /// `[batch, seq, dim] → [batch, seq, dim]`.
    pub fn forward(&self, h: Tensor<3>, rope: &Tensor<3>) -> Tensor<3> {
        let mixed = self.self_attn.forward(h.clone(), rope);
        self.finish(h, mixed)
    }

    /// [`forward`](Self::forward) for positions that follow those in `cache`.
    pub fn extend(&self, h: Tensor<3>, rope: &Tensor<3>, cache: &mut KvCache) -> Tensor<3> {
        let mixed = self.self_attn.extend(h.clone(), rope, cache);
        self.finish(h, mixed)
    }

    /// [`forward`](Self::forward), and the keys and values of the positions for
    /// [`forward_drafts`](Self::forward_drafts).
    pub fn forward_context(&self, h: Tensor<3>, rope: &Tensor<3>) -> (Tensor<3>, KeyValues) {
        let (mixed, kv) = self.self_attn.forward_context(h.clone(), rope);
        (self.finish(h, mixed), kv)
    }

    /// The block applied to draft positions that attend to a context and to their
    /// group: `[batch, groups · size, dim] → [batch, groups · queries, dim]`, only the
    /// positions `queries` of each group.
    pub fn forward_drafts(
        &self,
        h: Tensor<3>,
        positions: &DraftPositions,
        context: &KeyValues,
        queries: &Range<usize>,
    ) -> Tensor<3> {
        let mixed = self.self_attn.forward_drafts(h.clone(), positions, context, queries);
        let [batch, all, dim] = h.dims();
        let size = all / positions.groups;
        if queries.len() == size {
            return self.finish(h, mixed);
        }
        let residual = h.reshape([batch, positions.groups, size, dim]);
        let residual = residual.narrow(2, queries.start, queries.len());
        self.finish(residual.reshape([batch, positions.groups * queries.len(), dim]), mixed)
    }

    fn finish(&self, h: Tensor<3>, mixed: Tensor<3>) -> Tensor<3> {
        let h = trm_kernels::add_rms_norm(h, self.dropout.forward(mixed), self.eps);
        let fed = self.dropout.forward(self.mlp.forward(h.clone()));
        trm_kernels::add_rms_norm(h, fed, self.eps)
    }
}
