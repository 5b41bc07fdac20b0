//! The smallest language model there is, as data: `docs/adding-a-model.md` adds it step
//! by step, and a test trains it. No build that is shipped contains it.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::flops::{Forward, readout};
use super::settings::{BLOCK_SIZE, HIDDEN_SIZE, RECURSION_STEPS};
use super::shared::{language, narrowed};
use super::{ModelSpec, Sizes};
use crate::config::check::sizes;
use crate::{Family, RunConfig, Setting, SettingError, TrainSpec};

/// Sizes of the toy model: every cycle adds a linear map of the state to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(default, deny_unknown_fields)]
pub struct ToySpec {
    /// Width of the state, in features.
    pub hidden_size: usize,
    /// Cycles of the recursion during training.
    pub recursion_steps: usize,
    /// Context length, in tokens.
    pub block_size: usize,
}

impl Default for ToySpec {
    fn default() -> Self {
        Self { hidden_size: 32, recursion_steps: 2, block_size: 16 }
    }
}

impl ToySpec {
    fn forward(&self, vocab_size: usize) -> Forward {
        let d = self.hidden_size as f64;
        Forward { once: 0.0, cycle: 2.0 * d * d, readout: readout(self.hidden_size, vocab_size) }
    }
}

impl ModelSpec for ToySpec {
    const NAME: &'static str = "toy";
    const TITLE: &'static str = "Toy";
    const ABOUT: &'static str = "Language model that sees one token only";
    const FAMILY: Family = Family::Language;
    const DEPTH_KEY: &'static str = "recursion_steps";
    const LENGTH_KEY: &'static str = "block_size";
    const CALLS: &'static str = "model.recursion_steps";
    const SETTINGS: &'static [Setting] = &[HIDDEN_SIZE, RECURSION_STEPS, BLOCK_SIZE];

    fn defaults() -> RunConfig {
        RunConfig { model: Self::default().into(), ..RunConfig::default() }
    }

    fn depth(&self) -> usize {
        self.recursion_steps
    }

    fn set_depth(&mut self, depth: usize) {
        self.recursion_steps = depth;
    }

    fn length(&self) -> usize {
        self.block_size
    }

    fn parameters(&self, vocab_size: usize) -> usize {
        let d = self.hidden_size as u128;
        narrowed(2 * vocab_size as u128 * d + d * d)
    }

    fn training_flops_per_token(&self, train: &TrainSpec, vocab_size: usize) -> f64 {
        self.forward(vocab_size).training(self, train)
    }

    fn validate(&self, train: &TrainSpec) -> Result<(), SettingError> {
        sizes(&self.shown())?;
        language(self, train)
    }

    fn shown(&self) -> Sizes {
        vec![
            ("hidden_size", self.hidden_size),
            ("recursion_steps", self.recursion_steps),
            ("block_size", self.block_size),
        ]
    }

    fn sizes(&self) -> Sizes {
        vec![("hidden_size", self.hidden_size)]
    }
}
