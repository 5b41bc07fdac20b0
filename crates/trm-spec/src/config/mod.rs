//! The whole configuration of a run. A preset in `configs/` is this, as TOML.
//!
//! Names are nanoGPT's and Chat-TRM's where they have one. Checking happens in
//! [`RunConfig::validate`] (`check`), before anything is allocated.

pub(crate) mod check;
mod data;
mod flops;
mod train;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::models::{ChatTrmSpec, ChunkLmSpec, TrmLmSpec, TrmSpec};
pub use data::{DataSpec, Sampling, Tokenizer};
pub use train::{
    Decay, DepthSampling, LossType, Objective, Optimizer, Precision, Prediction, Schedule,
    Supervision, TrainSpec,
};

/// A run: which model, on which text or puzzles, trained how.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS)]
#[serde(default, deny_unknown_fields)]
pub struct RunConfig {
    pub model: VariantSpec,
    pub data: DataSpec,
    pub train: TrainSpec,
}

/// The model, by variant. Only the trainer's registry matches on this; here is
/// what else anyone asks of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "variant", rename_all = "snake_case")]
pub enum VariantSpec {
    /// Causal single-state language model (Chat-TRM).
    #[serde(alias = "causal")]
    ChatTrm(ChatTrmSpec),
    /// Chunk refinement: several tokens drafted at once and refined together.
    #[serde(alias = "chunk")]
    ChunkLm(ChunkLmSpec),
    /// Dual-state language model (TRM-LM).
    #[serde(alias = "last_token")]
    TrmLm(TrmLmSpec),
    /// Dual-state puzzle solver with deep supervision and halting (TRM).
    #[serde(alias = "dual")]
    Trm(TrmSpec),
}

impl Default for VariantSpec {
    fn default() -> Self {
        Self::ChatTrm(ChatTrmSpec::default())
    }
}

/// The variants by name, as configurations and checkpoints know them.
pub const VARIANTS: &[&str] = &["chat_trm", "chunk_lm", "trm_lm", "trm"];

/// Sizes by the names of their settings.
pub type Sizes = Vec<(&'static str, usize)>;

/// Asks the specification of whichever variant it is.
macro_rules! of_each {
    ($model:expr, $spec:ident => $answer:expr) => {
        match $model {
            VariantSpec::ChatTrm($spec) => $answer,
            VariantSpec::ChunkLm($spec) => $answer,
            VariantSpec::TrmLm($spec) => $answer,
            VariantSpec::Trm($spec) => $answer,
        }
    };
}
use of_each;

impl VariantSpec {
    /// The name under which configurations and checkpoints know the variant.
    pub fn name(&self) -> &'static str {
        match self {
            Self::ChatTrm(_) => "chat_trm",
            Self::ChunkLm(_) => "chunk_lm",
            Self::TrmLm(_) => "trm_lm",
            Self::Trm(_) => "trm",
        }
    }

    /// Times that training lets the answer be read out at most: cycles of a
    /// language model, supervision steps of a puzzle solver.
    pub fn depth(&self) -> usize {
        match self {
            Self::ChatTrm(model) => model.recursion_steps,
            Self::ChunkLm(model) => model.recursion_steps,
            Self::TrmLm(model) => model.recursion_steps,
            Self::Trm(model) => model.halt_max_steps,
        }
    }

    /// The setting that says [`depth`](Self::depth).
    pub fn depth_key(&self) -> &'static str {
        if self.solves_puzzles() { "halt_max_steps" } else { "recursion_steps" }
    }

    /// Whether the model answers puzzles, and does not write text.
    pub fn solves_puzzles(&self) -> bool {
        matches!(self, Self::Trm(_))
    }

    /// Tokens of a whole row: the context, or the cells of a puzzle.
    pub fn length(&self) -> usize {
        match self {
            Self::ChatTrm(model) => model.block_size,
            Self::ChunkLm(model) => model.block_size,
            Self::TrmLm(model) => model.block_size,
            Self::Trm(model) => model.seq_len,
        }
    }

    /// Tokens that are predicted at once.
    pub fn chunk_size(&self) -> usize {
        match self {
            Self::ChunkLm(model) => model.chunk_size,
            _ => 1,
        }
    }

    /// Probability of dropping an activation in training.
    pub fn dropout(&self) -> f64 {
        match self {
            Self::ChatTrm(model) => model.dropout,
            Self::ChunkLm(model) => model.dropout,
            Self::TrmLm(model) => model.dropout,
            Self::Trm(_) => 0.0,
        }
    }

    /// Numbers in a model of `vocab_size` tokens.
    pub fn parameters(&self, vocab_size: usize) -> usize {
        of_each!(self, model => model.parameters(vocab_size))
    }

    /// The sizes that a plan shows.
    pub fn shown(&self) -> Sizes {
        of_each!(self, model => model.shown())
    }

    /// The sizes of the weights, which fit where all are equal.
    pub fn sizes(&self) -> Sizes {
        of_each!(self, model => model.sizes())
    }
}

impl RunConfig {
    /// The defaults of the variant called `name`, where there is one.
    pub fn of(name: &str) -> Option<Self> {
        match name {
            "chat_trm" => Some(Self::default()),
            "chunk_lm" => Some(Self {
                model: VariantSpec::ChunkLm(ChunkLmSpec::default()),
                train: TrainSpec::chunk(),
                ..Self::default()
            }),
            "trm_lm" => {
                Some(Self { model: VariantSpec::TrmLm(TrmLmSpec::default()), ..Self::default() })
            }
            "trm" => Some(Self {
                model: VariantSpec::Trm(TrmSpec::default()),
                data: DataSpec { dataset: "sudoku-9x9".into(), ..DataSpec::default() },
                train: TrainSpec::dual(),
            }),
            _ => None,
        }
    }
}
