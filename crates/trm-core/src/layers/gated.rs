//! A block of gated MLPs with biases, over positions and then over features.

use burn::module::Module;
use burn::tensor::Tensor;

use super::{Affine, SelfAttention};
use crate::Init;

/// `down(silu(gate(x)) · up(x))` with biases, gate and up as one matrix, gate first.
#[derive(Module, Debug)]
pub struct GatedMlp {
    /// `[2 · inner, dim]`, gate first.
    pub gate_up_proj: Affine,
    /// `[dim, inner]`.
    pub down_proj: Affine,
}

impl GatedMlp {
    /// An MLP of `width` inputs and outputs with `inner` hidden features.
    pub fn new(width: usize, inner: usize, init: &mut Init) -> Self {
        Self {
            gate_up_proj: Affine::new(width, 2 * inner, init),
            down_proj: Affine::new(inner, width, init),
        }
    }

    /// Over the features of each position: `[batch, seq, width] → [batch, seq, width]`.
    pub fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        self.down_proj.forward(trm_kernels::swiglu(self.gate_up_proj.forward(x)))
    }

    /// Over the positions of each feature: `[batch, width, dim] → [batch, width, dim]`.
    pub fn forward_positions(&self, x: Tensor<3>) -> Tensor<3> {
        let gate_up = self.gate_up_proj.forward_positions(x);
        let [batch, width, dim] = gate_up.dims();
        // One after the other in memory, gate and up are the halves of one long row.
        let hidden = trm_kernels::swiglu(gate_up.reshape([batch, width * dim]));
        self.down_proj.forward_positions(hidden.reshape([batch, width / 2, dim]))
    }
}

/// Sizes of a block.
#[derive(Clone, Copy, Debug)]
pub struct GatedSpec {
    /// Width of a position.
    pub dim: usize,
    /// Inner width of the MLP over the features.
    pub inner: usize,
    /// How positions are mixed.
    pub mixing: super::Mixing,
    /// Whether each part is added to its input.
    pub residual: bool,
    /// Added to the mean square inside RMSNorm.
    pub eps: f64,
}

/// `h = rms(mix(h)); h = rms(mlp(h))`, or with residuals `h = rms(h + …)` each. The
/// norms have no weight and run over the features. Added after the norm, as TRM-ViT's
/// table has it (`x + Backbone(x)`), the state would grow with every step: a loss of 42
/// nats at the start of training on digits.
#[derive(Module, Debug)]
pub struct GatedBlock {
    /// Mixes positions by attention.
    pub self_attn: Option<SelfAttention>,
    /// Mixes positions by an MLP over the positions.
    pub token_mlp: Option<GatedMlp>,
    /// The MLP over the features.
    pub mlp: GatedMlp,
    #[module(skip)]
    residual: bool,
    #[module(skip)]
    eps: f64,
}

impl GatedBlock {
    /// A block of the sizes of `spec`.
    pub fn new(spec: GatedSpec, init: &mut Init) -> Self {
        let (self_attn, token_mlp) = match spec.mixing {
            super::Mixing::Attention { heads } => {
                (Some(SelfAttention::new(spec.dim, heads, false, init)), None)
            }
            super::Mixing::Positions { length, inner } => {
                (None, Some(GatedMlp::new(length, inner, init)))
            }
        };
        Self {
            self_attn,
            token_mlp,
            mlp: GatedMlp::new(spec.dim, spec.inner, init),
            residual: spec.residual,
            eps: spec.eps,
        }
    }

    /// `[batch, seq, dim] → [batch, seq, dim]`; `rope` as attention takes it.
    pub fn forward(&self, h: Tensor<3>, rope: &Tensor<3>) -> Tensor<3> {
        let h = match (&self.self_attn, &self.token_mlp) {
            (Some(attention), _) => self.finish(h, |h| attention.forward(h, rope)),
            (None, Some(mixer)) => self.finish(h, |h| mixer.forward_positions(h)),
            (None, None) => h,
        };
        self.finish(h, |h| self.mlp.forward(h))
    }

    fn finish(&self, h: Tensor<3>, part: impl FnOnce(Tensor<3>) -> Tensor<3>) -> Tensor<3> {
        let new = if self.residual { h.clone() + part(h) } else { part(h) };
        trm_kernels::rms_norm(new, self.eps)
    }
}
