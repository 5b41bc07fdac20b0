//! One post-norm transformer block.

use std::ops::Range;

use burn::module::Module;
use burn::nn::{Dropout, DropoutConfig};
use burn::tensor::Tensor;

use super::{Context, SelfAttention, Slots, SwiGlu};
use crate::Init;
use crate::cache::Slot;

/// Sizes of a block.
#[derive(Clone, Copy, Debug)]
pub struct BlockSpec {
    pub dim: usize,
    pub heads: usize,
    /// Inner width of the SwiGLU.
    pub inner: usize,
    pub causal: bool,
    pub dropout: f64,
    pub eps: f64,
}

/// `h = rms(h + attention(h)); h = rms(h + swiglu(h))`, without learned norms
/// (official TRM). Dropout falls on what is added, as in nanoGPT.
#[derive(Module, Debug)]
pub struct Block {
    pub self_attn: SelfAttention,
    pub mlp: SwiGlu,
    dropout: Dropout,
    #[module(skip)]
    eps: f64,
}

impl Block {
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

    /// [`forward`](Self::forward) for positions that follow those in `slot`.
    pub fn extend(&self, h: Tensor<3>, rope: &Tensor<3>, slot: &mut Slot) -> Tensor<3> {
        let mixed = self.self_attn.extend(h.clone(), rope, slot);
        self.finish(h, mixed)
    }

    /// [`forward`](Self::forward), and what slots need to look at these positions.
    pub fn read(&self, h: Tensor<3>, rope: &Tensor<3>) -> (Tensor<3>, Tensor<3>) {
        let (mixed, kept) = self.self_attn.read(h.clone(), rope);
        (self.finish(h, mixed), kept)
    }

    /// The block applied to slots that look at a context and at their group; those of
    /// each group that are `asked` come out.
    pub fn look(
        &self,
        h: Tensor<3>,
        slots: &Slots,
        context: &Context,
        asked: &Range<usize>,
    ) -> Tensor<3> {
        let mixed = self.self_attn.look(h.clone(), slots, context, asked);
        let [batch, all, dim] = h.dims();
        let size = all / slots.groups;
        if asked.len() == size {
            return self.finish(h, mixed);
        }
        let kept = h.reshape([batch, slots.groups, size, dim]);
        let kept = kept.narrow(2, asked.start, asked.len());
        self.finish(kept.reshape([batch, slots.groups * asked.len(), dim]), mixed)
    }

    fn finish(&self, h: Tensor<3>, mixed: Tensor<3>) -> Tensor<3> {
        let h = trm_kernels::add_rms_norm(h, self.dropout.forward(mixed), self.eps);
        let fed = self.dropout.forward(self.mlp.forward(h.clone()));
        trm_kernels::add_rms_norm(h, fed, self.eps)
    }
}
