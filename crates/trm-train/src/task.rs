//! What a batch asks of a model, and how its answers are scored. Targets end
//! here: a model never sees them.

use burn::tensor::{Device, Int, Tensor, TensorData};
use rand::RngExt;
use trm_core::{Engine, Recursive};
use trm_data::{Batch, IGNORED, draw, stream};
use trm_spec::{CausalSpec, DepthSampling, Objective, TrainSpec};

/// Next-token prediction through a recursion.
#[derive(Clone, Debug)]
pub struct CausalTask {
    depth: usize,
    min_depth: usize,
    sampling: DepthSampling,
    objective: Objective,
    /// One weight per cycle, or none for equal ones.
    weights: Vec<f64>,
    seed: u64,
}

/// Losses of one batch, each of shape `[1]`, in nats per token.
pub struct Losses {
    /// What is minimised.
    pub objective: Tensor<1>,
    /// Loss of the last cycle, which is what people want to see.
    pub last: Tensor<1>,
}

impl CausalTask {
    pub fn new(model: &CausalSpec, train: &TrainSpec) -> Self {
        Self {
            depth: model.recursion_steps,
            min_depth: train.min_depth,
            sampling: train.depth_sampling,
            objective: train.objective,
            weights: train.cycle_weights.clone(),
            seed: train.seed,
        }
    }

    /// Cycles that step `step` runs; a function of the seed and the step alone.
    pub fn depth(&self, step: u64) -> usize {
        match self.sampling {
            DepthSampling::Fixed => self.depth,
            DepthSampling::Uniform => draw(self.seed, stream::DEPTHS, step)
                .random_range(self.min_depth as u64..=self.depth as u64)
                as usize,
        }
    }

    /// Scores a batch with `depth` cycles.
    pub fn losses<M: Recursive<Input = Tensor<2, Int>>>(
        &self,
        model: &M,
        batch: &Batch,
        depth: usize,
    ) -> Losses {
        let device = model.device();
        let inputs = tokens(&batch.inputs, batch.block_size, &device);
        let targets = tokens(&batch.targets, batch.block_size, &device);
        let counted = batch.targets.iter().filter(|target| **target != IGNORED).count().max(1);
        let [rows, cols] = targets.dims();
        let targets = targets.reshape([rows * cols]);
        let x = model.encode(&inputs);
        let start = model.start(&x);
        let score = |state: &M::State| {
            let logits = model.read(state).logits;
            let [_, _, vocab] = logits.dims();
            trm_kernels::cross_entropy(logits.reshape([rows * cols, vocab]), targets.clone())
                .sum()
                .div_scalar(counted as f64)
        };
        let engine = Engine::new(depth);
        match self.objective {
            Objective::LastCycle => {
                let last = score(&engine.think(model, &x, start, |_, _| {}));
                Losses { objective: last.clone(), last }
            }
            Objective::EveryCycle => {
                let weights = self.cycle_weights(depth);
                let mut losses = Vec::with_capacity(depth);
                engine.think(model, &x, start, |_, state| losses.push(score(state)));
                let last = losses[depth - 1].clone();
                let weighted = losses.into_iter().zip(weights).map(|(loss, w)| loss.mul_scalar(w));
                let objective = weighted.reduce(|a, b| a + b).expect("a recursion has a cycle");
                Losses { objective, last }
            }
        }
    }

    /// Weights of the first `depth` cycles, with sum one.
    fn cycle_weights(&self, depth: usize) -> Vec<f64> {
        let weights: Vec<f64> =
            (0..depth).map(|i| self.weights.get(i).copied().unwrap_or(1.0)).collect();
        let total: f64 = weights.iter().sum();
        weights.into_iter().map(|w| w / total).collect()
    }
}

/// Rows of token numbers as a tensor `[rows, length]`.
pub(crate) fn tokens(values: &[u32], length: usize, device: &Device) -> Tensor<2, Int> {
    let values: Vec<i32> = values.iter().map(|&t| t as i32).collect();
    let rows = values.len() / length;
    Tensor::from_data(TensorData::new(values, [rows, length]), device)
}
