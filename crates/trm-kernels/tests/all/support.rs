//! Numbers to test with, and values with their gradients.

use burn::tensor::{Device, Tensor, TensorData};
use trm_kernels::AdamWStep;

/// An AdamW update, fused or not.
pub type AdamW = fn(
    Tensor<1>,
    Tensor<1>,
    (Tensor<1>, Tensor<1>),
    Tensor<1>,
    AdamWStep,
) -> (Tensor<1>, (Tensor<1>, Tensor<1>));

/// Numbers in −2..2 that look random. From the seed alone, so that a failing case can be found
/// again.
pub fn numbers(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    (0..count)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 40) as f32 / (1u64 << 22) as f32 - 2.0
        })
        .collect()
}

/// [`numbers`] with gradients, on the CPU.
#[cfg(feature = "cpu")]
pub fn random<const D: usize>(shape: [usize; D], seed: u64) -> Tensor<D> {
    let data = TensorData::new(numbers(shape.iter().product(), seed), shape);
    Tensor::from_data(data, &Device::flex().autodiff()).require_grad()
}

pub fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.without_autodiff().into_data().try_into_vec().unwrap()
}

/// The value of `f`, and its gradient for each of the equally shaped inputs.
#[cfg(feature = "cpu")]
pub fn value_and_gradients<const D: usize, const E: usize>(
    inputs: &[Tensor<D>],
    f: impl Fn(&[Tensor<D>]) -> Tensor<E>,
) -> (Vec<f32>, Vec<Vec<f32>>) {
    let y = f(inputs);
    // Different weights for every output, so that no two errors cancel.
    let weights = random(y.dims(), 7).detach();
    let grads = (y.clone() * weights).sum().backward();
    let gradients = inputs.iter().map(|x| values(x.grad(&grads).expect("a gradient"))).collect();
    (values(y), gradients)
}
