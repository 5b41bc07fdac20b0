//! What a batch asks of a model, and how its answers are scored. Targets end
//! here: a model never sees them.

use burn::tensor::{Device, Int, Tensor, TensorData};
use rand::RngExt;
use rand_distr::{Distribution, Normal, Poisson};
use trm_core::cache::Autoregressive;
use trm_core::{Engine, Recursive};
use trm_data::{Batch, IGNORED, draw, stream};
use trm_spec::{DepthSampling, Objective, TrainSpec};

/// Next-token prediction through a recursion, of one token or of a chunk at once.
#[derive(Clone, Debug)]
pub struct LanguageTask {
    depth: usize,
    min_depth: usize,
    sampling: DepthSampling,
    objective: Objective,
    /// One weight per cycle, or none for equal ones.
    weights: Vec<f64>,
    /// Last cycles that leave a gradient; 0 means all of them.
    kept: usize,
    /// Whether every cycle is cut off from the one before.
    apart: bool,
    seed: u64,
}

/// Losses of one batch, each of shape `[1]`, in nats per token.
pub struct Losses {
    /// What is minimised.
    pub objective: Tensor<1>,
    /// Loss of the last cycle, which is what people want to see.
    pub last: Tensor<1>,
}

/// Deviation of the logarithm of the rate that `log_normal` draws.
const LOG_DEVIATION: f64 = 0.5;
/// How far beyond the mean `log_normal` may go.
const DEEPEST: usize = 4;

impl LanguageTask {
    /// The task of a model that is trained with `depth` cycles.
    pub fn new(depth: usize, train: &TrainSpec) -> Self {
        Self {
            depth,
            min_depth: train.min_depth,
            sampling: train.depth_sampling,
            objective: train.objective,
            weights: train.cycle_weights.clone(),
            kept: train.backprop_cycles,
            apart: train.detach_cycles,
            seed: train.seed,
        }
    }

    /// Cycles that step `step` runs; a function of the seed and the step alone.
    pub fn depth(&self, step: u64) -> usize {
        let mut generator = draw(self.seed, stream::DEPTHS, step);
        match self.sampling {
            DepthSampling::Fixed => self.depth,
            DepthSampling::Uniform => {
                generator.random_range(self.min_depth as u64..=self.depth as u64) as usize
            }
            DepthSampling::LogNormal => {
                let mean = (self.depth as f64).ln() - LOG_DEVIATION * LOG_DEVIATION / 2.0;
                let rate = Normal::new(mean, LOG_DEVIATION)
                    .map_or(self.depth as f64, |normal| normal.sample(&mut generator).exp());
                let drawn = Poisson::new(rate)
                    .map_or(self.depth as f64, |poisson| poisson.sample(&mut generator));
                (drawn as usize).clamp(self.min_depth, DEEPEST * self.depth)
            }
        }
    }

    /// Scores a batch with `depth` cycles. `before` is told which cycle comes
    /// next: 0 for the embedding, then from 1.
    pub fn losses<M: Autoregressive>(
        &self,
        model: &M,
        batch: &Batch,
        depth: usize,
        before: &dyn Fn(usize),
    ) -> Losses {
        let question = Question::new(batch, &model.device());
        let weights = self.cycle_weights(depth);
        before(0);
        let x = model.encode(&question.inputs);
        let start = question.start(model, &x);
        before(1);
        let mut objective: Option<Tensor<1>> = None;
        let mut last = None;
        self.engine(depth).think(model, &x, start, |step, state| {
            let weight = weights[step - 1];
            if weight > 0.0 {
                let loss = question.score(model, state);
                let part =
                    if weight == 1.0 { loss.clone() } else { loss.clone().mul_scalar(weight) };
                objective = Some(objective.take().map_or(part.clone(), |sum| sum + part));
                last = Some(loss);
            }
            before(step + 1);
        });
        Losses {
            objective: objective.expect("a recursion has a cycle that is scored"),
            last: last.expect("the last cycle is scored"),
        }
    }

    fn engine(&self, depth: usize) -> Engine {
        if self.apart { Engine::apart(depth) } else { Engine::keeping(depth, self.kept) }
    }

    /// Whether what a later cycle asks of a state goes on to the cycle before.
    pub(crate) fn connected(&self) -> bool {
        !self.apart
    }

    /// Cycles that leave a gradient when `depth` run.
    pub(crate) fn kept(&self, depth: usize) -> usize {
        if self.kept == 0 { depth } else { self.kept.min(depth) }
    }

    /// What the loss of each of `depth` cycles counts, with sum one. Cycles that
    /// leave no gradient count nothing; cycles beyond the listed weights count as
    /// the last listed one.
    pub(crate) fn cycle_weights(&self, depth: usize) -> Vec<f64> {
        let first = depth - self.kept(depth);
        let weight = |cycle: usize| match self.objective {
            _ if cycle < first => 0.0,
            Objective::LastCycle => f64::from(u8::from(cycle + 1 == depth)),
            // The last cycle always counts, or there would be nothing to show.
            Objective::EveryCycle => {
                self.weights.get(cycle).or(self.weights.last()).copied().unwrap_or(1.0).max(1e-9)
            }
        };
        let weights: Vec<f64> = (0..depth).map(weight).collect();
        let total: f64 = weights.iter().sum();
        weights.into_iter().map(|w| w / total).collect()
    }
}

/// A batch on its device, ready to be scored.
pub(crate) struct Question {
    /// `[rows, length]`.
    pub inputs: Tensor<2, Int>,
    /// `[rows · length]`.
    targets: Tensor<1, Int>,
    /// Targets that count.
    counted: usize,
}

impl Question {
    pub fn new(batch: &Batch, device: &Device) -> Self {
        let inputs = tokens(&batch.inputs, batch.block_size, device);
        let targets = tokens(&batch.targets, batch.block_size, device);
        let [rows, cols] = targets.dims();
        Self {
            inputs,
            targets: targets.reshape([rows * cols]),
            counted: batch.targets.iter().filter(|target| **target != IGNORED).count().max(1),
        }
    }

    /// Where a model begins. One that shows the published leak begins at the
    /// answers: what it learns so is worth nothing, which is the lesson.
    pub fn start<M: Autoregressive>(&self, model: &M, x: &Tensor<3>) -> M::State {
        self.leak(model, x).unwrap_or_else(|| model.start(x))
    }

    /// The leaking start, of a model that shows it.
    pub fn leak<M: Autoregressive>(&self, model: &M, x: &Tensor<3>) -> Option<M::State> {
        // What does not count has no token; any will do.
        model.leak(x, &|| self.targets.clone().clamp_min(0).reshape(self.inputs.dims()))
    }

    /// Losses of the answer in `state`, in nats, one for each target, `[rows ·
    /// length]`; 0 where a target does not count.
    pub fn each<M: Recursive>(&self, model: &M, state: &M::State) -> Tensor<1> {
        let logits = model.read(state).logits;
        let [rows, cols, vocab] = logits.dims();
        trm_kernels::cross_entropy(logits.reshape([rows * cols, vocab]), self.targets.clone())
    }

    /// Mean loss of the answer in `state`, in nats per token, `[1]`.
    pub fn score<M: Recursive>(&self, model: &M, state: &M::State) -> Tensor<1> {
        self.each(model, state).sum().div_scalar(self.counted as f64)
    }
}

/// Rows of token numbers as a tensor `[rows, length]`.
pub(crate) fn tokens(values: &[u32], length: usize, device: &Device) -> Tensor<2, Int> {
    let values: Vec<i32> = values.iter().map(|&t| t as i32).collect();
    let rows = values.len() / length;
    Tensor::from_data(TensorData::new(values, [rows, length]), device)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(sampling: DepthSampling, depth: usize) -> LanguageTask {
        LanguageTask::new(depth, &TrainSpec { depth_sampling: sampling, ..TrainSpec::default() })
    }

    #[test]
    fn log_normal_depths_lie_around_their_mean_and_within_their_limits() {
        let task = task(DepthSampling::LogNormal, 8);
        let depths: Vec<usize> = (0..20_000).map(|step| task.depth(step)).collect();
        let mean = depths.iter().sum::<usize>() as f64 / depths.len() as f64;
        assert!((7.8..8.3).contains(&mean), "mean {mean}");
        assert!(depths.iter().all(|depth| (1..=32).contains(depth)));
        assert!(depths.iter().any(|&depth| depth <= 2) && depths.iter().any(|&depth| depth >= 20));
        assert_eq!(task.depth(5), task.depth(5));
    }

    #[test]
    fn weights_sum_to_one_over_the_cycles_that_leave_a_gradient() {
        let mut task = task(DepthSampling::Fixed, 4);
        assert_eq!(task.cycle_weights(3), [0.0, 0.0, 1.0]);
        task.objective = Objective::EveryCycle;
        assert_eq!(task.cycle_weights(4), [0.25; 4]);
        task.weights = vec![1.0, 3.0];
        assert_eq!(task.cycle_weights(3), [1.0 / 7.0, 3.0 / 7.0, 3.0 / 7.0]);
        task.kept = 2;
        assert_eq!(task.cycle_weights(4), [0.0, 0.0, 0.5, 0.5]);
    }
}
