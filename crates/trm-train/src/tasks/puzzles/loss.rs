//! Losses of puzzle solvers, in operations that work on every device.

use burn::tensor::{Int, Tensor};
use trm_spec::LossType;

/// Loss of each row, in nats: `logits [rows, classes]`, `targets [rows]` →
/// `[rows]`. A row with a negative target counts nothing.
pub fn classification(kind: LossType, logits: Tensor<2>, targets: Tensor<1, Int>) -> Tensor<1> {
    match kind {
        LossType::Softmax => trm_kernels::cross_entropy(logits, targets),
        LossType::Stablemax => stablemax(logits, targets),
    }
}

/// Cross-entropy of stablemax. The original computes in 64 bits, for its
/// logarithm of a probability near one loses all digits in 32; here what is
/// missing to one is summed up by itself, `ln(1 + Σ others / target)`, which
/// loses none.
fn stablemax(logits: Tensor<2>, targets: Tensor<1, Int>) -> Tensor<1> {
    let [rows, classes] = logits.dims();
    let ignored = targets.clone().lower_elem(0);
    let target: Tensor<2> = targets
        .clamp_min(0)
        .reshape([rows, 1])
        .expand([rows, classes])
        .equal(Tensor::<1, Int>::arange(0..classes as i64, &logits.device()).unsqueeze())
        .float();
    // x + 1 from 0 on, 1 / (1 − x) below.
    let positive = logits.clone().clamp_min(0.0);
    let negative = logits.clamp_max(0.0);
    let s = positive + negative.neg().add_scalar(1.0).recip();
    let own = (s.clone() * target.clone()).sum_dim(1);
    let others = (s * target.neg().add_scalar(1.0)).sum_dim(1);
    (others / own).log1p().reshape([rows]).mask_fill(ignored, 0.0)
}

/// Binary cross-entropy of logits `[rows]` with answers of 0 or 1, by row.
pub fn binary(logits: Tensor<1>, answers: Tensor<1>) -> Tensor<1> {
    let tail = logits.clone().abs().neg().exp().log1p();
    logits.clone().clamp_min(0.0) - logits * answers + tail
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::*;

    /// The original's form, in 64 bits.
    fn reference(row: &[f64], target: usize) -> f64 {
        let s = |x: f64| if x < 0.0 { 1.0 / (1.0 - x + 1e-30) } else { x + 1.0 };
        let sum: f64 = row.iter().copied().map(s).sum();
        -(s(row[target]) / sum).ln()
    }

    /// Gradient of the reference for logit `at`.
    fn slope(row: &[f64], target: usize, at: usize) -> f64 {
        let s = |x: f64| if x < 0.0 { 1.0 / (1.0 - x) } else { x + 1.0 };
        let ds = |x: f64| if x < 0.0 { (1.0 - x).powi(-2) } else { 1.0 };
        let sum: f64 = row.iter().copied().map(s).sum();
        let own = if at == target { 1.0 / s(row[at]) } else { 0.0 };
        ds(row[at]) * (1.0 / sum - own)
    }

    #[test]
    fn stablemax_is_the_originals_in_64_bits() {
        let device = Device::flex().autodiff();
        let classes = 11;
        for scale in [0.1, 1.0, 10.0, 1e3, 1e6] {
            let rows: Vec<f32> = (0..20 * classes)
                .map(|i| ((i * 7919 % 1000) as f32 / 500.0 - 1.0) * scale as f32)
                .collect();
            let targets: Vec<i32> = (0..20).map(|row| row * 5 % classes as i32).collect();
            let data = TensorData::new(rows.clone(), [20, classes]);
            let logits = Tensor::<2>::from_data(data, &device).require_grad();
            let wanted = Tensor::from_data(TensorData::new(targets.clone(), [20]), &device);
            let loss = stablemax(logits.clone(), wanted);
            let grads = loss.clone().sum().backward();
            let grad: Vec<f32> = logits.grad(&grads).unwrap().into_data().try_into_vec().unwrap();
            let loss: Vec<f32> = loss.inner().into_data().try_into_vec().unwrap();
            for (row, values) in rows.chunks_exact(classes).enumerate() {
                let values: Vec<f64> = values.iter().map(|&x| f64::from(x)).collect();
                let target = targets[row] as usize;
                let expected = reference(&values, target);
                let error = (f64::from(loss[row]) - expected).abs();
                assert!(error <= 1e-6 * expected.max(1e-6), "{} for {expected}", loss[row]);
                for at in 0..classes {
                    let (found, expected) =
                        (f64::from(grad[row * classes + at]), slope(&values, target, at));
                    let error = (found - expected).abs();
                    assert!(error <= 2e-6 * expected.abs().max(1e-6), "{found} for {expected}");
                }
            }
        }
    }

    #[test]
    fn rows_that_do_not_count_count_nothing() {
        let device = Device::flex();
        let logits = Tensor::<2>::from_data([[1.0, 2.0], [3.0, -1.0]], &device);
        for kind in [LossType::Softmax, LossType::Stablemax] {
            let targets = Tensor::<1, Int>::from_data([-1, 0], &device);
            let loss: Vec<f32> =
                classification(kind, logits.clone(), targets).into_data().try_into_vec().unwrap();
            assert!(loss[0] == 0.0 && loss[1] > 0.0, "{loss:?}");
        }
    }

    #[test]
    fn binary_losses_stay_numbers_far_out() {
        let device = Device::flex();
        let logits = Tensor::<1>::from_data([0.0, 200.0, -200.0, 200.0], &device);
        let answers = Tensor::<1>::from_data([1.0, 1.0, 0.0, 0.0], &device);
        let loss: Vec<f32> = binary(logits, answers).into_data().try_into_vec().unwrap();
        assert!((loss[0] - 2f32.ln()).abs() < 1e-6);
        assert_eq!(loss[1..], [0.0, 0.0, 200.0]);
    }
}
