//! The optimiser: AdamW with decay groups, global clipping and a schedule.

use std::collections::BTreeMap;
use std::f64::consts::PI;

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use trm_kernels::AdamWStep;
use trm_spec::{Decay, Schedule, TrainSpec};

use crate::parameters::{Replace, flat, replace};

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

/// First and second moments of every parameter, flattened, by name.
#[derive(Clone, Default)]
pub struct AdamW {
    moments: BTreeMap<String, (Tensor<1>, Tensor<1>)>,
    /// Updates done.
    time: usize,
}

impl AdamW {
    /// Takes moments up again after `time` updates.
    pub fn resume(moments: BTreeMap<String, (Tensor<1>, Tensor<1>)>, time: usize) -> Self {
        Self { moments, time }
    }

    /// The moments, and the updates they have seen.
    pub fn state(&self) -> (&BTreeMap<String, (Tensor<1>, Tensor<1>)>, usize) {
        (&self.moments, self.time)
    }

    /// Updates `model` by one step at `rate`.
    pub fn update<M: Module>(
        &mut self,
        model: M,
        grads: GradientsParams,
        train: &TrainSpec,
        rate: f64,
        device: &Device,
    ) -> M {
        self.time += 1;
        let scale = clip_scale(&model, &grads, train.grad_clip, device);
        let step = AdamWStep {
            learning_rate: rate,
            beta1: train.beta1,
            beta2: train.beta2,
            eps: train.adam_eps,
            weight_decay: train.weight_decay,
            time: self.time,
        };
        let decay = train.decay;
        replace(model, &mut Update { moments: &mut self.moments, grads, scale, step, decay })
    }
}

/// What gradients are multiplied with so that their global norm is at most
/// `clip`, as a tensor `[1]` that is never read back. 0 means no limit.
pub fn clip_scale<M: Module>(
    model: &M,
    grads: &GradientsParams,
    clip: f64,
    device: &Device,
) -> Tensor<1> {
    struct Squares<'a> {
        grads: &'a GradientsParams,
        total: Option<Tensor<1>>,
    }
    impl ModuleVisitor for Squares<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if let Some(grad) = self.grads.get::<D>(param.id) {
                let square = grad.square().sum();
                self.total = Some(self.total.take().map_or(square.clone(), |total| total + square));
            }
        }
    }
    let one = || Tensor::ones([1], device);
    if clip == 0.0 {
        return one();
    }
    let mut squares = Squares { grads, total: None };
    model.visit(&mut squares);
    squares.total.map_or_else(one, |total| {
        // PyTorch's clip_grad_norm_, its epsilon included.
        total.sqrt().add_scalar(1e-6).recip().mul_scalar(clip).clamp_max(1.0)
    })
}

struct Update<'a> {
    moments: &'a mut BTreeMap<String, (Tensor<1>, Tensor<1>)>,
    grads: GradientsParams,
    scale: Tensor<1>,
    step: AdamWStep,
    decay: Decay,
}

impl Replace for Update<'_> {
    fn replace<const D: usize>(&mut self, name: &str, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(grad) = self.grads.remove::<D>(param.id) else { return param };
        let decayed = match self.decay {
            Decay::All => true,
            Decay::Matrices => D >= 2,
        };
        let step = AdamWStep {
            weight_decay: if decayed { self.step.weight_decay } else { 0.0 },
            ..self.step
        };
        let (id, tensor, mapper) = param.consume();
        let tensor = tensor.inner();
        let shape = tensor.dims();
        let (m, v) = self.moments.remove(name).unwrap_or_else(|| {
            let zeros = || Tensor::zeros([tensor.shape().num_elements()], &tensor.device());
            (zeros(), zeros())
        });
        let moments = (m.reshape(shape), v.reshape(shape));
        let (tensor, (m, v)) = trm_kernels::adamw(tensor, grad, moments, self.scale.clone(), step);
        self.moments.insert(name.to_string(), (flat(m), flat(v)));
        Param::from_mapped_value(id, Tensor::from_inner(tensor).require_grad(), mapper)
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
