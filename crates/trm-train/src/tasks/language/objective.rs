//! The training objective of language models: next-token prediction through a
//! recursion, of one token or of a chunk at once.

use burn::tensor::{Int, Tensor};
use rand::RngExt;
use rand_distr::{Distribution, Normal, Poisson};
use trm_core::{Autoregressive, Engine, LeakDemo};
use trm_data::{Batch, draw, stream};
use trm_spec::{DepthSampling, MAX_DEPTH, MAX_SAMPLED, Objective, TrainSpec};

use super::lm_batch::LmBatch;
use crate::tasks::weights::cycle_weights;

/// The state that a recursion starts from, given the targets `[batch, seq]`.
type TargetStart<M> = fn(
    &M,
    &<M as trm_core::Recursive>::Context,
    Tensor<2, Int>,
) -> <M as trm_core::Recursive>::State;

/// How a language model is trained: depth, objective, and which cycles record
/// gradients.
#[derive(Clone)]
pub struct LanguageTask<M: Autoregressive> {
    depth: usize,
    min_depth: usize,
    sampling: DepthSampling,
    objective: Objective,
    /// One weight per cycle, or none for equal ones.
    weights: Vec<f64>,
    /// Last cycles that record gradients; 0 means all of them.
    taped: usize,
    /// Whether every cycle is detached from the one before.
    detached: bool,
    seed: u64,
    /// The start of a leak demonstration, in place of the model's own.
    target_start: Option<TargetStart<M>>,
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

/// Most cycles of a step, whatever is drawn: a dropout mask's address has 12 bits for the cycle,
/// and there is one for the encoding and one after the last cycle.
pub(super) const MOST_CYCLES: usize = 4094;

const _: () = assert!(MAX_DEPTH <= MOST_CYCLES, "a depth that is not drawn is never cut");

impl<M: LeakDemo> LanguageTask<M> {
    /// The demonstration of a label leak: drafts start as their own answers, as
    /// published. Its losses say nothing about the model; evaluation also reports the
    /// honest loss.
    pub fn leak_demo(depth: usize, train: &TrainSpec) -> Self {
        Self { target_start: Some(M::leaking_start), ..Self::new(depth, train) }
    }
}

impl<M: Autoregressive> LanguageTask<M> {
    /// The task of a model that is trained with `depth` cycles.
    pub fn new(depth: usize, train: &TrainSpec) -> Self {
        // Cut off from the only cycle with a loss, the others have no gradient.
        let last_alone = train.detach_cycles && train.objective == Objective::LastCycle;
        Self {
            depth,
            min_depth: train.min_depth,
            sampling: train.depth_sampling,
            objective: train.objective,
            weights: train.cycle_weights.clone(),
            taped: if last_alone { 1 } else { train.backprop_cycles },
            detached: train.detach_cycles && !last_alone,
            seed: train.seed,
            target_start: None,
        }
    }

    /// The same task under changed settings.
    pub(crate) fn with_settings(&self, depth: usize, train: &TrainSpec) -> Self {
        Self { target_start: self.target_start, ..Self::new(depth, train) }
    }

    /// The state that training starts from.
    pub(crate) fn start(&self, model: &M, context: &M::Context, batch: &LmBatch) -> M::State {
        self.leaking_start(model, context, batch).unwrap_or_else(|| model.start(context))
    }

    /// The start of a leak demonstration.
    pub(crate) fn leaking_start(
        &self,
        model: &M,
        context: &M::Context,
        batch: &LmBatch,
    ) -> Option<M::State> {
        self.target_start.map(|start| start(model, context, batch.target_tokens()))
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
                let most = (MAX_SAMPLED * self.depth).min(MOST_CYCLES);
                (drawn as usize).clamp(self.min_depth, most)
            }
        }
    }

    /// Losses of a batch with `depth` cycles. `before` is called with the number of
    /// the cycle that comes next: 0 for the encoding, then from 1.
    pub fn losses(&self, model: &M, batch: &Batch, depth: usize, before: &dyn Fn(usize)) -> Losses {
        let batch = LmBatch::new(batch, &model.device());
        let weights = self.cycle_weights(depth);
        before(0);
        let context = model.encode(&batch.inputs);
        let engine = self.engine(depth);
        let start =
            engine.start(model, &context, |model, context| self.start(model, context, &batch));
        before(1);
        let mut objective: Option<Tensor<1>> = None;
        let mut last = None;
        engine.run(model, &context, start, |cycle, state| {
            let weight = weights[cycle - 1];
            if weight > 0.0 {
                let loss = batch.mean_loss(model, state);
                let part =
                    if weight == 1.0 { loss.clone() } else { loss.clone().mul_scalar(weight) };
                objective = Some(objective.take().map_or(part.clone(), |sum| sum + part));
                last = Some(loss);
            }
            before(cycle + 1);
        });
        Losses {
            objective: objective.expect("a recursion has a cycle that is scored"),
            last: last.expect("the last cycle is scored"),
        }
    }

    fn engine(&self, depth: usize) -> Engine {
        if self.detached { Engine::detached(depth) } else { Engine::truncated(depth, self.taped) }
    }

    /// Whether gradients flow from a cycle to the one before.
    pub(crate) fn connected(&self) -> bool {
        !self.detached
    }

    /// Cycles that record gradients when `depth` run.
    pub(crate) fn taped(&self, depth: usize) -> usize {
        if self.taped == 0 { depth } else { self.taped.min(depth) }
    }

    /// See [`cycle_weights`].
    pub(crate) fn cycle_weights(&self, depth: usize) -> Vec<f64> {
        cycle_weights(self.objective, &self.weights, depth, self.taped(depth))
    }
}

#[cfg(test)]
mod tests {
    use trm_core::Tape;
    use trm_core::models::chat_trm::ChatTrm;

    use super::*;

    fn task(sampling: DepthSampling, depth: usize) -> LanguageTask<ChatTrm> {
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
    fn the_deepest_draw_has_an_address_for_every_cycle() {
        let task = task(DepthSampling::LogNormal, MAX_DEPTH);
        let deepest = (0..20_000).map(|step| task.depth(step)).max();
        assert_eq!(deepest, Some(MOST_CYCLES));
    }

    /// What is cut off from the only loss is not recorded, as the estimate of memory has it.
    #[test]
    fn detached_cycles_without_a_loss_record_nothing() {
        let tape = |objective| {
            let train = TrainSpec { detach_cycles: true, objective, ..TrainSpec::default() };
            let task: LanguageTask<ChatTrm> = LanguageTask::new(5, &train);
            (task.engine(5).tape, task.taped(5))
        };
        assert_eq!(tape(Objective::LastCycle), (Tape::Last(1), 1));
        assert_eq!(tape(Objective::EveryCycle), (Tape::Detached, 5));
    }

    #[test]
    fn weights_sum_to_one_over_the_cycles_that_record_gradients() {
        let mut task = task(DepthSampling::Fixed, 4);
        assert_eq!(task.cycle_weights(3), [0.0, 0.0, 1.0]);
        task.objective = Objective::EveryCycle;
        assert_eq!(task.cycle_weights(4), [0.25; 4]);
        task.weights = vec![1.0, 3.0];
        assert_eq!(task.cycle_weights(3), [1.0 / 7.0, 3.0 / 7.0, 3.0 / 7.0]);
        task.taped = 2;
        assert_eq!(task.cycle_weights(4), [0.0, 0.0, 0.5, 0.5]);
    }
}
