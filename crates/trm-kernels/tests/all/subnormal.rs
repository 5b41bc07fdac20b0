//! What is too small to count becomes zero on the CPU before it is subnormal (below 10⁻³⁸):
//! with such numbers a processor computes up to a hundred times slower, and a training whose
//! attention had become sharp took four times as long for each step.

use burn::tensor::{Device, Int, Tensor, TensorData};
use trm_kernels::general;

fn device() -> Device {
    Device::flex().autodiff()
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.without_autodiff().into_data().try_into_vec().unwrap()
}

fn expect_none(what: &str, numbers: &[f32]) {
    let count = numbers.iter().filter(|x| x.is_subnormal()).count();
    assert_eq!(count, 0, "{what}: subnormal numbers among {}", numbers.len());
    assert!(numbers.iter().any(|x| *x != 0.0), "{what}: nothing is left");
}

// Scores of some hundreds are exact to a few 1e-5, and so are the weights made of them.
fn close(what: &str, a: &[f32], b: &[f32]) {
    let largest = b.iter().fold(0.0_f32, |largest, x| largest.max(x.abs()));
    for (i, (a, b)) in a.iter().zip(b).enumerate() {
        assert!((a - b).abs() <= 1e-3 * largest, "{what}[{i}]: {a}, not {b}");
    }
}

#[test]
fn sharp_attention_has_no_subnormal_weights_and_gradients() {
    let (seq, dim, heads) = (70, 16, 2);
    // Small queries and large keys: the scores of a row differ by a hundred and more.
    let numbers: Vec<f32> = (0..seq * 3 * dim)
        .map(|i| {
            let size = [0.3, 300.0, 1.0][i / dim % 3];
            size * (i as f32 * 1.618).sin()
        })
        .collect();
    let qkv = TensorData::new(numbers, [1, seq, 3 * dim]);
    let rope = trm_kernels::rope_table(seq, dim / heads, 1e4, &device());
    for causal in [false, true] {
        let run = |attention: fn(Tensor<3>, Tensor<3>, usize, bool) -> Tensor<3>| {
            let qkv = Tensor::<3>::from_data(qkv.clone(), &device()).require_grad();
            let y = attention(qkv.clone(), rope.clone(), heads, causal);
            let grads = (y.clone() * y.clone() * 1e-3).sum().backward();
            (values(y), values(qkv.grad(&grads).unwrap()))
        };
        let (y, gradient) = run(trm_kernels::attention);
        expect_none("attention", &y);
        expect_none("its gradient", &gradient);
        let (y_general, gradient_general) = run(general::attention);
        close("attention", &y, &y_general);
        close("its gradient", &gradient, &gradient_general);
    }
}

#[test]
fn confident_logits_have_no_subnormal_gradient() {
    let logits: Vec<f32> = (0..200).map(|i| -0.5 * i as f32).collect();
    let logits = Tensor::<2>::from_data(TensorData::new(logits, [1, 200]), &device());
    let logits = logits.require_grad();
    let targets = Tensor::<1, Int>::from_ints([3], &device());
    let loss = trm_kernels::cross_entropy(logits.clone(), targets) * 1e-3;
    let gradient = values(logits.grad(&loss.sum().backward()).unwrap());
    expect_none("cross entropy", &gradient);
    let sum: f32 = gradient.iter().sum();
    assert!(sum.abs() < 1e-9, "the gradient sums to zero, not {sum}");
}

#[test]
fn a_norm_passes_no_gradient_that_is_too_small_to_count() {
    let gradient_of = |size: f32| {
        let x: Vec<f32> = (0..64).map(|i| (i as f32 * 0.7).cos()).collect();
        let x = Tensor::<2>::from_data(TensorData::new(x, [2, 32]), &device()).require_grad();
        let weights: Vec<f32> = (0..64).map(|i| (i as f32 * 1.3).sin() * size).collect();
        let weights = Tensor::<2>::from_data(TensorData::new(weights, [2, 32]), &device());
        let y = trm_kernels::add_rms_norm(x.clone(), x.clone() * 0.5, 1e-6);
        values(x.grad(&(y * weights).sum().backward()).unwrap())
    };
    assert!(gradient_of(1e-30).iter().all(|x| *x == 0.0));
    // What counts is not changed.
    let (one, small) = (gradient_of(1.0), gradient_of(1e-15));
    for (one, small) in one.iter().zip(small) {
        assert!((one * 1e-15 - small).abs() <= 1e-20, "{small} for {one}");
    }
}
