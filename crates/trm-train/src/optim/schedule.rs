//! The learning rate of a step.

use std::f64::consts::PI;

use trm_spec::{Schedule, TrainSpec};

/// Learning rate of step `step`, counted from 0 (nanoGPT's `get_lr`).
pub fn learning_rate(train: &TrainSpec, step: usize) -> f64 {
    let (peak, low) = (train.learning_rate, train.min_lr.min(train.learning_rate));
    if step < train.warmup_iters {
        return peak * (step + 1) as f64 / (train.warmup_iters + 1) as f64;
    }
    match train.lr_schedule {
        Schedule::Constant => peak,
        Schedule::Cosine => {
            let end =
                if train.lr_decay_iters == 0 { train.max_iters } else { train.lr_decay_iters };
            if step >= end {
                return low;
            }
            let done = (step - train.warmup_iters) as f64
                / end.saturating_sub(train.warmup_iters).max(1) as f64;
            low + 0.5 * (1.0 + (PI * done).cos()) * (peak - low)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schedule_is_nanogpts() {
        let train = TrainSpec {
            learning_rate: 1e-3,
            min_lr: 1e-4,
            warmup_iters: 100,
            max_iters: 2000,
            ..TrainSpec::default()
        };
        let close = |step, expected: f64| {
            let rate = learning_rate(&train, step);
            assert!((rate - expected).abs() < 1e-12, "step {step}: {rate} for {expected}");
        };
        close(0, 1e-3 / 101.0);
        close(99, 1e-3 * 100.0 / 101.0);
        close(100, 1e-3);
        close(1050, 5.5e-4);
        close(2000, 1e-4);
        close(9999, 1e-4);
    }
}
