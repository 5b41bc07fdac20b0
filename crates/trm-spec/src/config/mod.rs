//! The whole configuration of a run. A preset in `configs/` is this, as TOML.
//!
//! Names are nanoGPT's and Chat-TRM's where they have one. Checking happens in
//! [`RunConfig::validate`], before anything is allocated.

mod data;
mod train;
mod validate;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{ModelInfo, VariantSpec};
pub use data::{DataSpec, MAX_DIFFICULTY, Sampling, Tokenizer};
pub use train::{
    Decay, DepthSampling, LossType, MAX_DEPTH, MAX_SAMPLED, Objective, Optimizer, Precision,
    Prediction, Schedule, Supervision, TrainSpec,
};

/// A run: which model, on which text or puzzles, trained how.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS)]
#[serde(default, deny_unknown_fields)]
pub struct RunConfig {
    /// The model and its sizes.
    pub model: VariantSpec,
    /// The text or the puzzles.
    pub data: DataSpec,
    /// How the model is trained.
    pub train: TrainSpec,
}

impl RunConfig {
    /// The defaults of the model called `name`, now or earlier, where there is one.
    pub fn of(name: &str) -> Option<Self> {
        let (model, data, train) = (ModelInfo::find(name)?.defaults)();
        Some(Self { model, data, train })
    }

    /// Operations that this run's training spends on one token on average.
    pub fn training_flops_per_token(&self, vocab_size: usize) -> f64 {
        self.model.training_flops_per_token(&self.train, vocab_size)
    }

    /// Tokens that one update of the weights sees.
    pub fn tokens_per_step(&self) -> usize {
        self.train.batch_size * self.train.gradient_accumulation_steps * self.model.length()
    }
}
