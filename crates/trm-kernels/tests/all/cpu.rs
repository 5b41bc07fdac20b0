//! The fused operations on the CPU against Burn's own, and against finite
//! differences: values and gradients, over sizes that do and do not fill a
//! vector register or a block of queries.

use crate::support::{AdamW, random, value_and_gradients, values};
use burn::tensor::{Device, Distribution, Int, Tensor, TensorData};
use proptest::prelude::*;
use trm_kernels::{AdamWStep, general};

fn device() -> Device {
    Device::flex().autodiff()
}

fn close(what: &str, a: &[f32], b: &[f32], tolerance: f32) {
    assert_eq!(a.len(), b.len(), "{what}: length");
    for (i, (a, b)) in a.iter().zip(b).enumerate() {
        assert!(
            (a - b).abs() <= tolerance * b.abs().max(1.0),
            "{what}[{i}]: fused {a}, general {b}"
        );
    }
}

/// Compares value and gradients of two functions of `N` equally shaped inputs.
fn compare<const D: usize, const E: usize>(
    what: &str,
    inputs: &[Tensor<D>],
    fused: impl Fn(&[Tensor<D>]) -> Tensor<E>,
    reference: impl Fn(&[Tensor<D>]) -> Tensor<E>,
) {
    let (y, dx) = value_and_gradients(inputs, fused);
    let (y_ref, dx_ref) = value_and_gradients(inputs, reference);
    close(what, &y, &y_ref, 1e-5);
    for (i, (a, b)) in dx.iter().zip(&dx_ref).enumerate() {
        close(&format!("{what}, gradient {i}"), a, b, 4e-5);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn linear(rows in 1usize..70, input in 1usize..70, out in 1usize..70, seed: u64) {
        let w = random([out, input], seed ^ 1);
        let x = random([rows, input], seed);
        compare(
            "linear in x",
            std::slice::from_ref(&x),
            |i| trm_kernels::linear(i[0].clone(), w.clone()),
            |i| general::linear(i[0].clone(), w.clone()),
        );
        compare(
            "linear in w",
            &[w],
            |i| trm_kernels::linear(x.clone(), i[0].clone()),
            |i| general::linear(x.clone(), i[0].clone()),
        );
    }

    #[test]
    fn affine(rows in 1usize..70, input in 1usize..70, out in 1usize..70, seed: u64) {
        let (x, w) = (random([rows, input], seed), random([out, input], seed ^ 1));
        let b = random([1, out], seed ^ 2);
        compare(
            "affine",
            &[x, w, b],
            |i| trm_kernels::affine(i[0].clone(), i[1].clone(), i[2].clone().reshape([out])),
            |i| general::affine(i[0].clone(), i[1].clone(), i[2].clone().reshape([out])),
        );
    }

    #[test]
    fn affine_positions(
        (batch, dim) in (1usize..4, 1usize..40),
        (input, out) in (1usize..70, 1usize..70),
        seed: u64,
    ) {
        let x = random([batch, input, dim], seed);
        let (w, b) = (random([1, out, input], seed ^ 1), random([1, 1, out], seed ^ 2));
        let parts = |i: &[Tensor<3>]| {
            (i[0].clone(), i[1].clone().reshape([out, input]), i[2].clone().reshape([out]))
        };
        compare(
            "affine_positions",
            &[x, w, b],
            |i| {
                let (x, w, b) = parts(i);
                trm_kernels::affine_positions(x, w, b)
            },
            |i| {
                let (x, w, b) = parts(i);
                general::affine_positions(x, w, b)
            },
        );
    }

    #[test]
    fn layer_norm(rows in 1usize..200, dim in 2usize..70, seed: u64) {
        // Far from a mean of 0. Neighbours differ by 1 at least: the gradient of a row of nearly
        // equal numbers is a small difference of large terms, and both sides round it away.
        let apart: Vec<f32> = (0..rows * dim).map(|i| [2.0, 4.0][i % dim % 2]).collect();
        let apart = Tensor::from_data(TensorData::new(apart, [rows, dim]), &device());
        let x = (random([rows, dim], seed).mul_scalar(0.25) + apart).detach().require_grad();
        let (w, b) = (random([1, dim], seed ^ 1), random([1, dim], seed ^ 2));
        let vector = |x: &Tensor<2>| x.clone().reshape([dim]);
        compare(
            "layer_norm",
            &[x, w, b],
            |i| trm_kernels::layer_norm(i[0].clone(), vector(&i[1]), vector(&i[2]), 1e-3),
            |i| general::layer_norm(i[0].clone(), vector(&i[1]), vector(&i[2]), 1e-3),
        );
    }

    #[test]
    fn gelu(rows in 1usize..40, width in 1usize..70, seed: u64) {
        compare(
            "gelu",
            &[random([rows, width], seed).mul_scalar(3.0).detach().require_grad()],
            |i| trm_kernels::gelu(i[0].clone()),
            |i| general::gelu(i[0].clone()),
        );
    }

    #[test]
    fn rms_norm(rows in 1usize..9, dim in 1usize..70, seed: u64) {
        let plain = |x: Tensor<2>| {
            let mean_square = x.clone().square().mean_dim(1);
            x / mean_square.add_scalar(1e-3).sqrt()
        };
        compare(
            "rms_norm",
            &[random([rows, dim], seed)],
            |i| trm_kernels::rms_norm(i[0].clone(), 1e-3),
            |i| plain(i[0].clone()),
        );
    }

    #[test]
    fn add_rms_norm(batch in 1usize..4, seq in 1usize..9, dim in 1usize..70, seed: u64) {
        let inputs = [random([batch, seq, dim], seed), random([batch, seq, dim], seed ^ 1)];
        compare(
            "add_rms_norm",
            &inputs,
            |i| trm_kernels::add_rms_norm(i[0].clone(), i[1].clone(), 1e-5),
            |i| general::add_rms_norm(i[0].clone(), i[1].clone(), 1e-5),
        );
    }

    #[test]
    fn swiglu(rows in 1usize..40, inner in 1usize..70, seed: u64) {
        compare(
            "swiglu",
            &[random([rows, 2 * inner], seed).mul_scalar(4.0).detach().require_grad()],
            |i| trm_kernels::swiglu(i[0].clone()),
            |i| general::swiglu(i[0].clone()),
        );
    }

    #[test]
    fn attention(
        batch in 1usize..3,
        seq in prop_oneof![1usize..9, 63usize..67, Just(130usize)],
        heads in 1usize..4,
        half in 1usize..9,
        causal: bool,
        seed: u64,
    ) {
        let dim = heads * 2 * half;
        let rope = trm_kernels::rope_table(seq + 3, 2 * half, 1e4, &device());
        compare(
            "attention",
            &[random([batch, seq, 3 * dim], seed)],
            |i| trm_kernels::attention(i[0].clone(), rope.clone(), heads, causal),
            |i| general::attention(i[0].clone(), rope.clone(), heads, causal),
        );
    }

    /// Without autodiff, few rows and cached positions have kernels of their own.
    #[test]
    fn few_rows(rows in 1usize..20, input in 1usize..70, out in 1usize..20, seed: u64) {
        let w = random([out, input], seed ^ 1).without_autodiff();
        let x = random([rows, input], seed).without_autodiff();
        let found = trm_kernels::linear(x.clone(), w.clone());
        close("few rows", &values(found), &values(general::linear(x, w)), 2e-5);
    }

    #[test]
    fn cached_attention(
        (batch, heads, half) in (1usize..3, 1usize..4, 1usize..9),
        (new, past, group) in (1usize..10, 0usize..40, 1usize..4),
        (from, to) in (0usize..10, 0usize..10),
        causal: bool,
        seed: u64,
    ) {
        // Cached heads, each shared by a group of query heads.
        let (cached, heads) = (heads, heads * group);
        let (dim, d) = (heads * 2 * half, 2 * half);
        let (from, to) = (from.min(to) % new, (from.max(to) % new).max(from.min(to) % new) + 1);
        let plain = |shape, k: u64| random::<4>(shape, seed ^ k).without_autodiff();
        let rope = trm_kernels::rope_table(past + new, d, 1e4, &Device::flex()).narrow(1, past, new);
        let qkv = random([batch, new, 3 * dim], seed).without_autodiff();
        // A part of a longer buffer, as a cache has it.
        let cache = (past > 0).then(|| {
            let keys = plain([batch, cached, past + 5, d], 2).narrow(2, 0, past);
            (keys, plain([batch, cached, past + 5, d], 3).narrow(2, 0, past))
        });
        let (queries, cache) = (from..to, || cache.clone());
        let fused = trm_kernels::cached_attention(
            qkv.clone(), rope.clone(), cache(), heads, &queries, causal,
        );
        let plain = general::cached_attention(qkv, rope, cache(), heads, &queries, causal);
        close("cached attention", &values(fused), &values(plain), 2e-5);
    }

    #[test]
    fn cross_entropy(
        targets in prop::collection::vec(-1i32..17, 1..40),
        scale in 0.1f32..30.0,
        seed: u64,
    ) {
        let rows = targets.len();
        let targets = Tensor::<1, Int>::from_data(TensorData::new(targets, [rows]), &device());
        let logits = random([rows, 17], seed).mul_scalar(scale).detach().require_grad();
        compare(
            "cross_entropy",
            &[logits],
            |i| trm_kernels::cross_entropy(i[0].clone(), targets.clone()),
            |i| general::cross_entropy(i[0].clone(), targets.clone()),
        );
    }

    #[test]
    fn adamw(length in 1usize..5000, decay in 0.0f64..1.0, time in 1usize..2000, seed: u64) {
        let plain = |k: u64| random([length], seed ^ k).without_autodiff();
        let (p, g, m, v) = (plain(1), plain(2), plain(3), plain(4).square());
        let scale = Tensor::<1>::from_floats([0.37], &Device::flex());
        let step = AdamWStep {
            learning_rate: 3e-3,
            beta1: 0.9,
            beta2: 0.99,
            eps: 1e-8,
            weight_decay: decay,
            time,
        };
        let all = |f: AdamW| {
            let (p, (m, v)) =
                f(p.clone(), g.clone(), (m.clone(), v.clone()), scale.clone(), step);
            [values(p), values(m), values(v)].concat()
        };
        close("adamw", &all(trm_kernels::adamw::<1>), &all(general::adamw::<1>), 2e-6);
        let fused = all(trm_kernels::adam_atan2::<1>);
        close("adam_atan2", &fused, &all(general::adam_atan2::<1>), 2e-6);
        let inputs = [&p, &g, &m, &v].map(|t| values(t.clone()));
        close("adam_atan2 in f64", &fused, &adam_atan2_f64(&inputs, 0.37, step), 2e-6);
    }
}

/// The AdamATan2 update as its definition reads, in f64: parameters, then both
/// moments.
fn adam_atan2_f64([p, g, m, v]: &[Vec<f32>; 4], scale: f64, step: AdamWStep) -> Vec<f32> {
    let (beta1, beta2, t) = (step.beta1, step.beta2, step.time as i32);
    let mut out = [Vec::new(), Vec::new(), Vec::new()];
    for i in 0..p.len() {
        let [p, g, m, v] = [p, g, m, v].map(|x| f64::from(x[i]));
        let g = g * scale;
        let m = beta1 * m + (1.0 - beta1) * g;
        let v = beta2 * v + (1.0 - beta2) * g * g;
        let update = m.atan2(v.sqrt() / (1.0 - beta2.powi(t)).sqrt());
        let p = p * (1.0 - step.learning_rate * step.weight_decay)
            - step.learning_rate / (1.0 - beta1.powi(t)) * update;
        for (out, x) in out.iter_mut().zip([p, m, v]) {
            out.push(x as f32);
        }
    }
    out.concat()
}

#[test]
fn adamw_leaves_shared_tensors_alone() {
    let ones = || Tensor::<1>::ones([100], &Device::flex());
    let (p, m, v) = (ones(), ones(), ones());
    let step = AdamWStep {
        learning_rate: 0.1,
        beta1: 0.9,
        beta2: 0.99,
        eps: 1e-8,
        weight_decay: 0.1,
        time: 3,
    };
    let new = trm_kernels::adamw(
        p.clone(),
        ones(),
        (m.clone(), v.clone()),
        Tensor::ones([1], &Device::flex()),
        step,
    );
    assert!(values(new.0).iter().all(|x| *x != 1.0));
    for old in [p, m, v] {
        assert!(values(old).iter().all(|x| *x == 1.0));
    }
}

/// Analytic gradients against differences of the function itself, which share
/// no code with either path.
#[test]
fn finite_differences() {
    let rope = trm_kernels::rope_table(6, 4, 1e4, &device());
    let w = random([9, 24], 5).detach();
    let targets = Tensor::<1, Int>::from_ints([0, 3, 8, 2, 1, 5], &device());
    let f = |x: Tensor<3>| {
        let h = trm_kernels::attention(x, rope.clone(), 2, true);
        let h = trm_kernels::add_rms_norm(h.clone(), h.mul_scalar(0.5), 1e-5);
        let gate_up = Tensor::cat(vec![h.clone(), h.clone().mul_scalar(-0.7), h], 2);
        let fed = trm_kernels::swiglu(Tensor::cat(vec![gate_up.clone(), gate_up], 2));
        let logits = trm_kernels::linear(fed, w.clone()).reshape([6, 9]);
        trm_kernels::cross_entropy(logits, targets.clone()).sum()
    };
    let x = random([1, 6, 24], 11);
    let grads = f(x.clone()).backward();
    let grad = values(x.grad(&grads).unwrap());
    let base = values(x);
    let h = 1e-2;
    for i in (0..base.len()).step_by(5) {
        let at = |offset: f32| {
            let mut moved = base.clone();
            moved[i] += offset;
            values(f(Tensor::from_data(TensorData::new(moved, [1, 6, 24]), &device())))[0]
        };
        // Fourth-order central difference, so that h may be large against rounding.
        let slope = (8.0 * (at(h) - at(-h)) - (at(2.0 * h) - at(-2.0 * h))) / (12.0 * h);
        assert!(
            (slope - grad[i]).abs() < 3e-3 * slope.abs().max(1.0),
            "input {i}: difference {slope}, gradient {}",
            grad[i]
        );
    }
}

#[test]
fn extreme_logits_stay_finite() {
    let logits = Tensor::<2>::from_floats([[1e4, -1e4, 0.0], [-200.0, -201.0, -1e30]], &device());
    let targets = Tensor::<1, Int>::from_ints([1, 0], &device());
    let loss = values(trm_kernels::cross_entropy(logits, targets));
    assert_eq!(loss[0], 2e4);
    assert!((loss[1] - (1.0 + (-1f32).exp()).ln()).abs() < 1e-5, "{loss:?}");
}

#[test]
fn large_inputs_use_every_core_and_agree() {
    // Above the sizes at which work is split between cores.
    let x = Tensor::<2>::random([700, 300], Distribution::Normal(0.0, 1.0), &device());
    let w = Tensor::<2>::random([512, 300], Distribution::Normal(0.0, 1.0), &device());
    let fused = trm_kernels::linear(x.clone(), w.clone());
    close("linear", &values(fused.clone()), &values(general::linear(x, w)), 2e-4);
    close(
        "swiglu",
        &values(trm_kernels::swiglu(fused.clone())),
        &values(general::swiglu(fused)),
        1e-5,
    );
}
