//! The gated feed-forward layer.

use burn::module::Module;
use burn::tensor::Tensor;

use super::Linear;
use crate::Init;

/// `down(silu(gate(x)) · up(x))`, gate and up as one matrix, gate first.
#[derive(Module, Debug)]
pub struct SwiGlu {
    /// `[2 · inner, input]`, gate first.
    pub gate_up_proj: Linear,
    /// `[output, inner]`.
    pub down_proj: Linear,
}

impl SwiGlu {
    /// A layer of width `dim` with `inner` hidden features.
    pub fn new(dim: usize, inner: usize, init: &mut Init) -> Self {
        Self::between([dim, inner, dim], init)
    }

    /// A layer with these numbers of input, hidden and output features.
    pub fn between([input, inner, output]: [usize; 3], init: &mut Init) -> Self {
        Self {
            gate_up_proj: Linear::new(input, 2 * inner, init),
            down_proj: Linear::new(inner, output, init),
        }
    }

    /// `[batch, seq, input] → [batch, seq, output]`.
    pub fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        self.down_proj.forward(trm_kernels::swiglu(self.gate_up_proj.forward(x)))
    }
}
