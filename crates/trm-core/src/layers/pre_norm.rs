//! The block of a vision transformer.

use burn::module::Module;
use burn::nn::{Dropout, DropoutConfig};
use burn::tensor::Tensor;
use trm_kernels::general::attention_weights;

use super::{Affine, LayerNorm};
use crate::Init;

/// Sizes of a block.
#[derive(Clone, Copy, Debug)]
pub struct PreNormSpec {
    /// Width of the residual stream.
    pub dim: usize,
    /// Attention heads; they divide `dim` into heads of an even width.
    pub heads: usize,
    /// Inner width of the MLP.
    pub inner: usize,
    /// Added to the variance inside layer norm.
    pub eps: f64,
    /// Probability of dropping an activation that is added.
    pub dropout: f64,
}

/// `x + attention(norm(x))`, then `x + mlp(norm(x))`: biases everywhere, attention in
/// both directions without positions, GELU in the MLP (Hugging Face's `ViTLayer`).
#[derive(Module, Debug)]
pub struct PreNormBlock {
    layernorm_before: LayerNorm,
    attention: BiasedAttention,
    layernorm_after: LayerNorm,
    mlp: GeluMlp,
    dropout: Dropout,
}

/// Attention whose projections have biases; queries, keys and values are one matrix, in
/// that order.
#[derive(Module, Debug)]
pub struct BiasedAttention {
    /// `[3 · dim, dim]`.
    qkv_proj: Affine,
    /// `[dim, dim]`.
    o_proj: Affine,
    #[module(skip)]
    heads: usize,
}

/// `fc2(gelu(fc1(x)))`.
#[derive(Module, Debug)]
pub struct GeluMlp {
    /// `[inner, dim]`.
    fc1: Affine,
    /// `[dim, inner]`.
    fc2: Affine,
}

impl PreNormBlock {
    /// A block of the sizes of `spec`.
    pub fn new(spec: PreNormSpec, init: &mut Init) -> Self {
        let PreNormSpec { dim, heads, inner, eps, dropout } = spec;
        Self {
            layernorm_before: LayerNorm::new(dim, eps, init),
            attention: BiasedAttention {
                qkv_proj: Affine::new(dim, 3 * dim, init),
                o_proj: Affine::new(dim, dim, init),
                heads,
            },
            layernorm_after: LayerNorm::new(dim, eps, init),
            mlp: GeluMlp { fc1: Affine::new(dim, inner, init), fc2: Affine::new(inner, dim, init) },
            dropout: DropoutConfig::new(dropout).init(),
        }
    }

    /// `[batch, seq, dim] → [batch, seq, dim]`; `unrotated` is a rotary table that
    /// rotates nothing, from [`trm_kernels::unrotated_table`].
    pub fn forward(&self, x: Tensor<3>, unrotated: &Tensor<3>) -> Tensor<3> {
        let BiasedAttention { qkv_proj, o_proj, heads } = &self.attention;
        let qkv = qkv_proj.forward(self.layernorm_before.forward(x.clone()));
        let mixed = trm_kernels::attention(qkv, unrotated.clone(), *heads, false);
        let x = x + self.dropout.forward(o_proj.forward(mixed));
        let hidden = self.mlp.fc1.forward(self.layernorm_after.forward(x.clone()));
        x + self.dropout.forward(self.mlp.fc2.forward(trm_kernels::gelu(hidden)))
    }

    /// Attention weights, `[batch, heads, seq, seq]`.
    pub fn weights(&self, x: Tensor<3>, unrotated: &Tensor<3>) -> Tensor<4> {
        let BiasedAttention { qkv_proj, heads, .. } = &self.attention;
        attention_weights(
            qkv_proj.forward(self.layernorm_before.forward(x)),
            unrotated,
            *heads,
            false,
        )
    }
}
