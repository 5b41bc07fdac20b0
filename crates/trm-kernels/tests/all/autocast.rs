//! Linear maps in half precision against the same rounding done by hand.

use burn::tensor::{Device, FloatDType, Tensor, TensorData, bf16, f16};
use trm_kernels::{autocast, linear};

fn numbers(count: usize) -> Vec<f32> {
    (0..count).map(|i| ((i * 37 % 101) as f32 / 50.0 - 1.0).sin()).collect()
}

fn matrix(values: &[f32], shape: [usize; 2], device: &Device) -> Tensor<2> {
    Tensor::from_data(TensorData::new(values.to_vec(), shape), device)
}

#[test]
fn products_round_their_inputs_and_their_result() {
    let (rows, input, out) = (5, 24, 7);
    let (x, w) = (numbers(rows * input), numbers(out * input));
    type Rounding = (FloatDType, f64, fn(f32) -> f64);
    let roundings: [Rounding; 2] = [
        (FloatDType::BF16, 1.0 / 256.0, |v| bf16::from_f32(v).to_f64()),
        (FloatDType::F16, 1.0 / 2048.0, |v| f16::from_f32(v).to_f64()),
    ];
    for (dtype, unit, round) in roundings {
        let device = Device::flex();
        let (x_t, w_t) = (matrix(&x, [rows, input], &device), matrix(&w, [out, input], &device));
        let y = autocast(Some(dtype), || linear(x_t.clone(), w_t.clone()));
        assert_eq!(y.dtype(), burn::tensor::DType::F32);
        let y: Vec<f32> = y.into_data().try_into_vec().unwrap();
        let full: Vec<f32> = linear(x_t, w_t).into_data().try_into_vec().unwrap();
        assert_ne!(y, full, "{dtype:?} rounds something");
        for i in 0..rows {
            for j in 0..out {
                let pairs = (0..input).map(|k| (x[i * input + k], w[j * input + k]));
                let terms: Vec<f64> = pairs.map(|(a, b)| round(a) * round(b)).collect();
                let (sum, size) = terms.iter().fold((0.0, 0.0), |(s, z), t| (s + t, z + t.abs()));
                let error = (f64::from(y[i * out + j]) - sum).abs();
                assert!(error <= unit * size.max(1.0), "{dtype:?} {i},{j}: off by {error}");
            }
        }
    }
}

#[test]
fn gradients_come_back_in_full_precision() {
    let device = Device::flex().autodiff();
    let x = matrix(&numbers(12), [3, 4], &device).require_grad();
    let w = matrix(&numbers(20), [5, 4], &device).require_grad();
    let grads = |dtype| {
        let grads = autocast(dtype, || linear(x.clone(), w.clone())).sum().backward();
        [x.grad(&grads).unwrap(), w.grad(&grads).unwrap()].map(|g| {
            assert_eq!(g.dtype(), burn::tensor::DType::F32);
            g.into_data().try_into_vec::<f32>().unwrap()
        })
    };
    let (full, half) = (grads(None), grads(Some(FloatDType::BF16)));
    for (full, half) in full.iter().flatten().zip(half.iter().flatten()) {
        assert!((full - half).abs() < 0.03, "{half} for {full}");
    }
}

#[test]
fn the_precision_ends_with_its_scope_even_after_a_panic() {
    let device = Device::flex();
    let (x, w) = (matrix(&numbers(12), [3, 4], &device), matrix(&numbers(20), [5, 4], &device));
    let product = || linear(x.clone(), w.clone()).into_data().try_into_vec::<f32>().unwrap();
    let before = product();
    let caught = std::panic::catch_unwind(|| {
        autocast(Some(FloatDType::F16), || panic!("on purpose"));
    });
    assert!(caught.is_err());
    assert_eq!(product(), before);
}
