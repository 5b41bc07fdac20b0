//! A batch of a language model on its device.

use burn::tensor::{Device, Int, Tensor};
use trm_core::Recursive;
use trm_data::{Batch, IGNORED};

use crate::transfer::tokens;

/// Tokens and their targets on a device, ready to be scored.
pub(crate) struct LmBatch {
    /// `[rows, length]`.
    pub inputs: Tensor<2, Int>,
    /// `[rows · length]`; negative where a position does not count.
    targets: Tensor<1, Int>,
    /// Targets that count, at least 1.
    counted: usize,
}

impl LmBatch {
    /// Moves a batch to `device`.
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

    /// The targets as tokens, `[rows, length]`; 0 where a position does not count.
    pub fn target_tokens(&self) -> Tensor<2, Int> {
        self.targets.clone().clamp_min(0).reshape(self.inputs.dims())
    }

    /// Losses of the answer in `state`, in nats, one for each target, `[rows ·
    /// length]`; 0 where a target does not count.
    pub fn losses<M: Recursive>(&self, model: &M, state: &M::State) -> Tensor<1> {
        let logits = model.read(state).logits;
        let [rows, cols, vocab] = logits.dims();
        trm_kernels::cross_entropy(logits.reshape([rows * cols, vocab]), self.targets.clone())
    }

    /// Mean loss of the answer in `state`, in nats per token, `[1]`.
    pub fn mean_loss<M: Recursive>(&self, model: &M, state: &M::State) -> Tensor<1> {
        self.losses(model, state).sum().div_scalar(self.counted as f64)
    }
}
