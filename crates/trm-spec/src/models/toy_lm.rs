//! The smallest recursive language model, as data.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::flops::{Forward, blocks, readout};
use super::settings::{BLOCK_SIZE, HIDDEN_SIZE, NUM_HEADS, RECURSION_STEPS};
use super::shared::{block_parameters, heads, inner_size, language, narrowed};
use super::{ModelSpec, Sizes};
use crate::{Family, Setting, SettingError, TrainSpec};

/// Sizes of the toy model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(default, deny_unknown_fields)]
pub struct ToyLmSpec {
    /// Width of the state, in features.
    pub hidden_size: usize,
    /// Attention heads; each is `hidden_size / num_heads` wide.
    pub num_heads: usize,
    /// Cycles of the recursion during training; generation may use any depth.
    pub recursion_steps: usize,
    /// Context length, in tokens.
    pub block_size: usize,
}

impl Default for ToyLmSpec {
    fn default() -> Self {
        Self { hidden_size: 64, num_heads: 2, recursion_steps: 4, block_size: 64 }
    }
}

impl ToyLmSpec {
    /// Features of one head.
    pub fn head_dim(&self) -> usize {
        self.hidden_size / self.num_heads
    }

    /// Inner width of the SwiGLU.
    pub fn inner_size(&self) -> usize {
        inner_size(4.0, self.hidden_size)
    }
}

impl ModelSpec for ToyLmSpec {
    const NAME: &'static str = "toy_lm";
    const TITLE: &'static str = "Toy";
    const ABOUT: &'static str = "The smallest recursive language model: one block";
    const FAMILY: Family = Family::Language;
    const DEPTH_KEY: Option<&'static str> = Some("recursion_steps");
    const LENGTH: &'static str = "model.block_size";
    const CALLS: &'static str = "model.recursion_steps";
    const SETTINGS: &'static [Setting] = &[HIDDEN_SIZE, NUM_HEADS, RECURSION_STEPS, BLOCK_SIZE];

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
        let tables = 2 * vocab_size as u128 * self.hidden_size as u128;
        narrowed(tables + block_parameters(self.hidden_size, self.inner_size()))
    }

    fn training_flops_per_token(&self, train: &TrainSpec, vocab_size: usize) -> f64 {
        let cycle = blocks([self.hidden_size, self.inner_size(), 1, self.block_size]);
        let readout = readout(self.hidden_size, vocab_size);
        Forward { once: 0.0, cycle, readout }.training(self, train)
    }

    fn validate(&self, train: &TrainSpec) -> Result<(), SettingError> {
        heads(self.hidden_size, self.num_heads)?;
        language(self, train)
    }

    fn shown(&self) -> Sizes {
        vec![
            ("hidden_size", self.hidden_size),
            ("num_heads", self.num_heads),
            ("recursion_steps", self.recursion_steps),
        ]
    }

    fn sizes(&self) -> Sizes {
        vec![("hidden_size", self.hidden_size), ("num_heads", self.num_heads)]
    }
}
