//! Tensors whose sizes do not belong together are refused on every device: the kernels of a
//! GPU do not check where they read.

use burn::tensor::{Device, Int, Tensor};
use trm_kernels::AdamWStep;

fn ones<const D: usize>(shape: [usize; D]) -> Tensor<D> {
    Tensor::ones(shape, &Device::flex())
}

fn step() -> AdamWStep {
    AdamWStep { learning_rate: 0.1, beta1: 0.9, beta2: 0.99, eps: 1e-8, weight_decay: 0.1, time: 1 }
}

#[test]
#[should_panic(expected = "linear: widths")]
fn a_linear_map_of_another_width() {
    let _ = trm_kernels::linear(ones([2, 3]), ones([5, 4]));
}

#[test]
#[should_panic(expected = "affine: widths of the output and of the bias")]
fn a_bias_of_another_width() {
    let _ = trm_kernels::affine(ones([2, 4]), ones([5, 4]), ones([4]));
}

#[test]
#[should_panic(expected = "affine: positions of the input")]
fn a_map_of_other_positions() {
    let _ = trm_kernels::affine_positions(ones([2, 3, 6]), ones([5, 4]), ones([5]));
}

#[test]
#[should_panic(expected = "layer norm: widths")]
fn a_norm_of_another_width() {
    let _ = trm_kernels::layer_norm(ones([2, 4]), ones([4]), ones([5]), 1e-5);
}

/// As many numbers, in other rows.
#[test]
#[should_panic(expected = "add_rms_norm: shapes")]
fn a_sum_of_other_shapes() {
    let _ = trm_kernels::add_rms_norm(ones([2, 6]), ones([3, 4]), 1e-5);
}

#[test]
#[should_panic(expected = "swiglu: the last axis is odd")]
fn half_of_an_odd_width() {
    let _ = trm_kernels::swiglu(ones([2, 5]));
}

#[test]
#[should_panic(expected = "cross_entropy: rows and targets")]
fn fewer_targets_than_rows() {
    let targets = Tensor::<1, Int>::from_ints([0, 1], &Device::flex());
    let _ = trm_kernels::cross_entropy(ones([3, 4]), targets);
}

#[test]
#[should_panic(expected = "update: shapes of parameter and gradient")]
fn a_gradient_of_another_shape() {
    let moments = (ones([8]), ones([8]));
    let _ = trm_kernels::adamw(ones([8]), ones([7]), moments, ones([1]), step());
}

#[test]
#[should_panic(expected = "update: shapes of parameter and moments")]
fn moments_of_another_shape() {
    let moments = (ones([8]), ones([9]));
    let _ = trm_kernels::adam_atan2(ones([8]), ones([8]), moments, ones([1]), step());
}

#[test]
#[should_panic(expected = "update: numbers of the scale")]
fn a_scale_for_every_number() {
    let moments = (ones([8]), ones([8]));
    let _ = trm_kernels::adamw(ones([8]), ones([8]), moments, ones([8]), step());
}
