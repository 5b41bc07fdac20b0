//! Linear maps, without a bias and with one.

use burn::module::{Module, Param};
use burn::tensor::Tensor;

use crate::Init;

/// `x · weightᵀ`. The weight is `[out, in]`, as PyTorch stores it.
#[derive(Module, Debug)]
pub struct Linear {
    /// `[out, in]`.
    pub weight: Param<Tensor<2>>,
}

impl Linear {
    /// A map from `input` to `output` features.
    pub fn new(input: usize, output: usize, init: &mut Init) -> Self {
        Self { weight: init.lecun(output, input) }
    }

    /// `[.., in] → [.., out]`.
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        trm_kernels::linear(x, self.weight.val())
    }
}

/// `x · weightᵀ + bias`.
#[derive(Module, Debug)]
pub struct Affine {
    /// `[out, in]`.
    pub weight: Param<Tensor<2>>,
    /// `[out]`.
    pub bias: Param<Tensor<1>>,
}

impl Affine {
    /// A map with weight 0, whose output is `bias` until it is trained.
    pub fn constant(input: usize, output: usize, bias: f32, init: &Init) -> Self {
        Self { weight: init.constant([output, input], 0.0), bias: init.constant([output], bias) }
    }

    /// `[rows, in] → [rows, out]`.
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        trm_kernels::linear(x, self.weight.val()) + self.bias.val().unsqueeze()
    }
}
