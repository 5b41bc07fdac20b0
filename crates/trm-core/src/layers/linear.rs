//! A linear map without bias.

use burn::module::{Module, Param};
use burn::tensor::Tensor;

use crate::Init;

/// `x · weightᵀ`. The weight is `[out, in]`, as PyTorch stores it.
#[derive(Module, Debug)]
pub struct Linear {
    pub weight: Param<Tensor<2>>,
}

impl Linear {
    pub fn new(input: usize, output: usize, init: &mut Init) -> Self {
        Self { weight: init.lecun(output, input) }
    }

    /// `[.., in] → [.., out]`.
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        trm_kernels::linear(x, self.weight.val())
    }
}
