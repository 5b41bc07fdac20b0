//! Tensors as slices.

use burn::backend::TensorMetadata;
use burn::tensor::Shape;
use burn_flex::FlexTensor;

/// The numbers of a tensor in row-major order, copied only if they are not.
pub struct Dense(pub FlexTensor);

impl Dense {
    pub fn new(tensor: FlexTensor) -> Self {
        Self(tensor.to_contiguous())
    }

    pub fn f32(&self) -> &[f32] {
        self.0.as_slice().expect("fused operations take contiguous f32 tensors")
    }

    pub fn shape(&self) -> Shape {
        self.0.shape()
    }
}
