//! Multi-head self-attention with rotary positions.

use burn::module::Module;
use burn::tensor::activation::softmax;
use burn::tensor::{Bool, Tensor};
use trm_kernels::general::{attention_shares, rotate, split_heads};

use super::Linear;
use crate::Init;
use crate::cache::Slot;

/// Self-attention; queries, keys and values are one matrix, in that order.
#[derive(Module, Debug)]
pub struct SelfAttention {
    pub qkv_proj: Linear,
    pub o_proj: Linear,
    #[module(skip)]
    heads: usize,
    #[module(skip)]
    causal: bool,
}

impl SelfAttention {
    pub fn new(dim: usize, heads: usize, causal: bool, init: &mut Init) -> Self {
        Self {
            qkv_proj: Linear::new(dim, 3 * dim, init),
            o_proj: Linear::new(dim, dim, init),
            heads,
            causal,
        }
    }

    /// `[batch, seq, dim] → [batch, seq, dim]`; `rope` as made by
    /// [`trm_kernels::rope_table`].
    pub fn forward(&self, x: Tensor<3>, rope: &Tensor<3>) -> Tensor<3> {
        let qkv = self.qkv_proj.forward(x);
        let mixed = trm_kernels::attention(qkv, rope.clone(), self.heads, self.causal);
        self.o_proj.forward(mixed)
    }

    /// What each position takes from each other one, `[batch, heads, seq, seq]`.
    pub fn shares(&self, x: Tensor<3>, rope: &Tensor<3>) -> Tensor<4> {
        attention_shares(self.qkv_proj.forward(x), rope, self.heads, self.causal)
    }

    /// [`forward`](Self::forward) for positions that follow those in `slot`, which learns
    /// their keys and values. Causal attention only; no gradient is wanted here.
    pub fn extend(&self, x: Tensor<3>, rope: &Tensor<3>, slot: &mut Slot) -> Tensor<3> {
        let [batch, new, dim] = x.dims();
        let device = x.device();
        let [q, k, v] = split_heads(self.qkv_proj.forward(x), self.heads);
        let past = slot.len();
        let (q, k) = (rotate(q, rope, past), rotate(k, rope, past));
        let (k, v) = slot.append(k, v);
        let head_dim = dim / self.heads;
        let mut scores = q.matmul(k.swap_dims(2, 3)).div_scalar((head_dim as f64).sqrt());
        if new > 1 {
            // Row i stands at position past + i and sees columns up to there.
            let hidden = Tensor::<2, Bool>::tril_mask([new, past + new], past as i64, &device);
            scores = scores.mask_fill(hidden.unsqueeze::<4>(), f32::NEG_INFINITY);
        }
        let mixed = softmax(scores, 3).matmul(v).swap_dims(1, 2).reshape([batch, new, dim]);
        self.o_proj.forward(mixed)
    }
}
