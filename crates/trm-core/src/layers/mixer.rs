//! A block that mixes positions by attention or by a SwiGLU along the sequence.

use burn::module::Module;
use burn::tensor::Tensor;

use super::{SelfAttention, SwiGlu};
use crate::Init;

/// How a block mixes positions.
#[derive(Clone, Copy, Debug)]
pub enum Mixing {
    /// Attention in both directions.
    Attention {
        /// Number of heads.
        heads: usize,
    },
    /// A SwiGLU along the sequence.
    Positions {
        /// Positions in a sequence.
        length: usize,
        /// Inner width of the SwiGLU.
        inner: usize,
    },
}

/// `h = rms(h + mix(h)); h = rms(h + swiglu(h))`, without learned norms
/// (official TRM). One of the two ways of mixing is there.
#[derive(Module, Debug)]
pub struct MixingBlock {
    /// Mixes positions by attention.
    pub self_attn: Option<SelfAttention>,
    /// Mixes positions by a SwiGLU along the sequence.
    pub mlp_t: Option<SwiGlu>,
    /// The feed-forward layer.
    pub mlp: SwiGlu,
    #[module(skip)]
    eps: f64,
}

impl MixingBlock {
    /// A block of width `dim`; `inner` is the width inside its last SwiGLU.
    pub fn new(dim: usize, mixing: Mixing, inner: usize, eps: f64, init: &mut Init) -> Self {
        let (self_attn, mlp_t) = match mixing {
            Mixing::Attention { heads } => {
                (Some(SelfAttention::new(dim, heads, false, init)), None)
            }
            Mixing::Positions { length, inner } => (None, Some(SwiGlu::new(length, inner, init))),
        };
        Self { self_attn, mlp_t, mlp: SwiGlu::new(dim, inner, init), eps }
    }

    /// `[batch, seq, dim] → [batch, seq, dim]`; `rope` as attention takes it.
    pub fn forward(&self, h: Tensor<3>, rope: &Tensor<3>) -> Tensor<3> {
        let h = match (&self.self_attn, &self.mlp_t) {
            (Some(attention), _) => {
                let mixed = attention.forward(h.clone(), rope);
                trm_kernels::add_rms_norm(h, mixed, self.eps)
            }
            (None, Some(mixer)) => {
                // The original normalises before it turns the tensor back, so
                // that this one norm runs over the positions, not the features.
                let [batch, seq, dim] = h.dims();
                let h = turned(h);
                let mixed = mixer.forward(h.clone());
                let h = trm_kernels::add_rms_norm(h, mixed, self.eps);
                turned(h.reshape([batch, dim, seq])).reshape([batch, seq, dim])
            }
            (None, None) => h,
        };
        let fed = self.mlp.forward(h.clone());
        trm_kernels::add_rms_norm(h, fed, self.eps)
    }
}

/// `[batch, a, b] → [1, batch · b, a]`: the last two axes in each other's place,
/// written out once. As a view, every operation on it would copy it anew.
fn turned(h: Tensor<3>) -> Tensor<3> {
    let [batch, a, b] = h.dims();
    h.swap_dims(1, 2).reshape([1, batch * b, a])
}
