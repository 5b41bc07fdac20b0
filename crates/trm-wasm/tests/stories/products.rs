//! The matrix products of the module, which has its own for them.

use burn::tensor::{Device, Tensor, TensorData};

/// `rows × cols` numbers between −1 and 1, from `seed` alone.
fn numbers(rows: usize, cols: usize, seed: u32) -> Vec<f32> {
    let mut state = seed;
    (0..rows * cols)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 23) as f32 - 1.0
        })
        .collect()
}

/// `Σ_p a[p]·b[p]` over `terms` numbers, each `step` apart, in 64-bit floats.
fn dot(a: &[f32], a_step: usize, b: &[f32], b_step: usize, terms: usize) -> f64 {
    let a = a.iter().step_by(a_step);
    a.zip(b.iter().step_by(b_step)).take(terms).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
}

fn check(what: &str, values: &[f32], expected: impl Iterator<Item = f64>, terms: usize) {
    let expected: Vec<_> = expected.collect();
    assert_eq!(values.len(), expected.len(), "{what}");
    for (i, (value, expected)) in values.iter().zip(expected).enumerate() {
        // Numbers below 1: rounding grows with the terms.
        let limit = 1e-6 * (terms as f64).max(4.0);
        assert!(
            (f64::from(*value) - expected).abs() < limit,
            "{what}[{i}]: {value}, not {expected}"
        );
    }
}

/// `x·wᵀ` and both gradients, over sizes that do and do not fill a tile, a panel of columns or a
/// block of terms.
pub async fn products_and_their_gradients_are_right() {
    let device = Device::flex().autodiff();
    let tensor = |data: &[f32], rows, cols| {
        let data = TensorData::new(data.to_vec(), [rows, cols]);
        Tensor::<2>::from_data(data, &device).require_grad()
    };
    let values = |tensor: Tensor<2>| tensor.into_data().try_into_vec::<f32>().unwrap();
    for (n, input, out) in [
        (17, 1, 2),
        (18, 8, 8),
        (19, 7, 9),
        (33, 65, 31),
        (20, 385, 257),
        (21, 768, 5),
        (769, 30, 264),
        (390, 20, 300),
    ] {
        let (x, w, weights) = (numbers(n, input, 1), numbers(out, input, 2), numbers(n, out, 3));
        let (tx, tw) = (tensor(&x, n, input), tensor(&w, out, input));
        let y = trm_kernels::linear(tx.clone(), tw.clone());
        let grads = (y.clone() * tensor(&weights, n, out).detach()).sum().backward();

        let size = format!("{n} × {input} × {out}");
        let all =
            |rows: usize, cols: usize| (0..rows).flat_map(move |i| (0..cols).map(move |j| (i, j)));
        let expected = all(n, out).map(|(i, j)| dot(&x[i * input..], 1, &w[j * input..], 1, input));
        check(&format!("y, {size}"), &values(y), expected, input);
        let expected = all(n, input).map(|(i, j)| dot(&weights[i * out..], 1, &w[j..], input, out));
        check(&format!("dx, {size}"), &values(tx.grad(&grads).unwrap()), expected, out);
        let expected = all(out, input).map(|(i, j)| dot(&weights[i..], out, &x[j..], input, n));
        check(&format!("dw, {size}"), &values(tw.grad(&grads).unwrap()), expected, n);
    }
}
