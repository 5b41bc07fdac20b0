//! Layer norm.

use burn::module::{Module, Param};
use burn::tensor::Tensor;

use crate::Init;

/// `(x − mean) / √(variance + eps) · weight + bias` over the features.
#[derive(Module, Debug)]
pub struct LayerNorm {
    /// `[dim]`.
    pub weight: Param<Tensor<1>>,
    /// `[dim]`.
    pub bias: Param<Tensor<1>>,
    #[module(skip)]
    eps: f64,
}

impl LayerNorm {
    /// A norm of width `dim` whose weight is 1 and whose bias is 0.
    pub fn new(dim: usize, eps: f64, init: &Init) -> Self {
        Self { weight: init.constant([dim], 1.0), bias: init.constant([dim], 0.0), eps }
    }

    /// `[.., dim] → [.., dim]`.
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        trm_kernels::layer_norm(x, self.weight.val(), self.bias.val(), self.eps)
    }
}
