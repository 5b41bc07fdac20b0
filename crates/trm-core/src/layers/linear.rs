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
    /// A map from `input` to `output` features; the bias is 0.
    pub fn new(input: usize, output: usize, init: &mut Init) -> Self {
        Self { weight: init.lecun(output, input), bias: init.constant([output], 0.0) }
    }

    /// A map with weight 0, whose output is `bias` until it is trained.
    pub fn constant(input: usize, output: usize, bias: f32, init: &Init) -> Self {
        Self { weight: init.constant([output, input], 0.0), bias: init.constant([output], bias) }
    }

    /// `[.., in] → [.., out]`.
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        trm_kernels::affine(x, self.weight.val(), self.bias.val())
    }

    /// The map along the positions of a sequence, `[batch, in, dim] → [batch, out, dim]`.
    pub fn forward_positions(&self, x: Tensor<3>) -> Tensor<3> {
        trm_kernels::affine_positions(x, self.weight.val(), self.bias.val())
    }
}
