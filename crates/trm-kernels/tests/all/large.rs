//! The fused operations on the CPU above the size at which their work is cut into pieces
//! (2¹⁴ numbers), against Burn's own operations: a wrong offset shows only there.

use crate::support::{AdamW, numbers, random, value_and_gradients, values};
use burn::tensor::{Device, Int, Tensor, TensorData};
use trm_kernels::{AdamWStep, general};

const ROWS: usize = 700;
const WIDTH: usize = 512;

/// As close as rounding leaves sums over all rows: relative to the largest number.
fn close(what: &str, found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len(), "{what}: length");
    let largest = expected.iter().fold(0.0f32, |largest, x| largest.max(x.abs()));
    assert!(largest > 0.0, "{what}: nothing to compare");
    for (i, (a, b)) in found.iter().zip(expected).enumerate() {
        assert!((a - b).abs() <= 2e-5 * largest, "{what}[{i}]: fused {a}, general {b}");
    }
}

/// Compares value and gradients of two functions.
fn compare<const D: usize, const E: usize>(
    what: &str,
    inputs: &[Tensor<D>],
    fused: impl Fn(&[Tensor<D>]) -> Tensor<E>,
    reference: impl Fn(&[Tensor<D>]) -> Tensor<E>,
) {
    let (y, gradients) = value_and_gradients(inputs, fused);
    let (expected, expected_gradients) = value_and_gradients(inputs, reference);
    close(what, &y, &expected);
    for (i, (found, expected)) in gradients.iter().zip(&expected_gradients).enumerate() {
        close(&format!("{what}, gradient {i}"), found, expected);
    }
}

fn vector(x: &Tensor<2>) -> Tensor<1> {
    let [_, width] = x.dims();
    x.clone().reshape([width])
}

#[test]
fn affine() {
    let (x, w) = (random([ROWS, 64], 1), random([WIDTH, 64], 2));
    let b = random([1, WIDTH], 3);
    compare(
        "affine",
        &[x, w, b],
        |i| trm_kernels::affine(i[0].clone(), i[1].clone(), vector(&i[2])),
        |i| general::affine(i[0].clone(), i[1].clone(), vector(&i[2])),
    );
}

#[test]
fn layer_norm() {
    let (w, b) = (random([1, WIDTH], 2), random([1, WIDTH], 3));
    compare(
        "layer norm",
        &[random([ROWS, WIDTH], 1), w, b],
        |i| trm_kernels::layer_norm(i[0].clone(), vector(&i[1]), vector(&i[2]), 1e-5),
        |i| general::layer_norm(i[0].clone(), vector(&i[1]), vector(&i[2]), 1e-5),
    );
}

#[test]
fn add_rms_norm() {
    compare(
        "add_rms_norm",
        &[random([ROWS, WIDTH], 1), random([ROWS, WIDTH], 2)],
        |i| trm_kernels::add_rms_norm(i[0].clone(), i[1].clone(), 1e-5),
        |i| general::add_rms_norm(i[0].clone(), i[1].clone(), 1e-5),
    );
}

#[test]
fn gelu() {
    compare(
        "gelu",
        &[random([ROWS, WIDTH], 1)],
        |i| trm_kernels::gelu(i[0].clone()),
        |i| general::gelu(i[0].clone()),
    );
}

#[test]
fn swiglu() {
    compare(
        "swiglu",
        &[random([ROWS, WIDTH], 1)],
        |i| trm_kernels::swiglu(i[0].clone()),
        |i| general::swiglu(i[0].clone()),
    );
}

#[test]
fn cross_entropy() {
    // Some rows do not count.
    let targets: Vec<i32> = (0..ROWS as i32).map(|row| row * 37 % 513 - 1).collect();
    let device = Device::flex().autodiff();
    let targets = Tensor::<1, Int>::from_data(TensorData::new(targets, [ROWS]), &device);
    compare(
        "cross-entropy",
        &[random([ROWS, WIDTH], 1)],
        |i| trm_kernels::cross_entropy(i[0].clone(), targets.clone()),
        |i| general::cross_entropy(i[0].clone(), targets.clone()),
    );
}

/// Parameter and moments after an update of `[parameter, gradient, m, v]`.
fn updated(update: AdamW, inputs: &[Vec<f32>; 4], scale: f32, step: AdamWStep) -> [Vec<f32>; 3] {
    let device = Device::flex();
    let tensor = |numbers: &Vec<f32>| {
        Tensor::<1>::from_data(TensorData::new(numbers.clone(), [numbers.len()]), &device)
    };
    let [p, g, m, v] = inputs.each_ref().map(tensor);
    let scale = Tensor::from_floats([scale], &device);
    let (p, (m, v)) = update(p, g, (m, v), scale, step);
    [p, m, v].map(values)
}

#[test]
fn updates_of_adam() {
    let [p, g, m, v] = [1, 2, 3, 4].map(|seed| numbers(50_000, seed));
    let inputs = [p, g, m, v.iter().map(|x| x * x).collect()];
    let step = AdamWStep {
        learning_rate: 3e-3,
        beta1: 0.9,
        beta2: 0.99,
        eps: 1e-8,
        weight_decay: 0.1,
        time: 5,
    };
    let both: [(&str, AdamW, AdamW); 2] = [
        ("adamw", trm_kernels::adamw::<1>, general::adamw::<1>),
        ("adam_atan2", trm_kernels::adam_atan2::<1>, general::adam_atan2::<1>),
    ];
    for (what, fused, reference) in both {
        let found = updated(fused, &inputs, 0.37, step);
        for (found, expected) in found.iter().zip(&updated(reference, &inputs, 0.37, step)) {
            close(what, found, expected);
        }
    }
}

/// Near 1, the difference from 1 has few of the digits of an f32.
#[test]
fn a_slow_second_moment_is_that_of_f64() {
    let (beta1, beta2, rate) = (0.9, 0.99999, 0.1);
    let count = 100;
    let p = vec![1.0; count];
    let g: Vec<f32> = (0..count).map(|i| 0.5 + i as f32 * 0.01).collect();
    let inputs = [p, g.clone(), vec![0.0; count], vec![0.0; count]];
    let step =
        AdamWStep { learning_rate: rate, beta1, beta2, eps: 1e-8, weight_decay: 0.0, time: 1 };
    let direction = |m: f64, v: f64| (m / (1.0 - beta1)) / ((v / (1.0 - beta2)).sqrt() + 1e-8);
    let angle = |m: f64, v: f64| m.atan2((v / (1.0 - beta2)).sqrt()) / (1.0 - beta1);
    let moves: [&dyn Fn(f64, f64) -> f64; 2] = [&direction, &angle];
    let updates: [(&str, AdamW); 2] =
        [("adamw", trm_kernels::adamw::<1>), ("adam_atan2", trm_kernels::adam_atan2::<1>)];
    for ((what, fused), moved) in updates.into_iter().zip(moves) {
        let [p, m, v] = updated(fused, &inputs, 1.0, step);
        for (i, g) in g.iter().map(|g| f64::from(*g)).enumerate() {
            let (first, second) = ((1.0 - beta1) * g, (1.0 - beta2) * g * g);
            let expected = [1.0 - rate * moved(first, second), first, second];
            for (found, expected) in [p[i], m[i], v[i]].into_iter().zip(expected) {
                let error = (f64::from(found) - expected).abs();
                assert!(error <= 1e-6 * expected.abs(), "{what}[{i}]: {found} for {expected}");
            }
        }
    }
}
