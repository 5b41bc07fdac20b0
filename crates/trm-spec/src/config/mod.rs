//! The whole configuration of a run. A preset in `configs/` is this, as TOML.
//!
//! Names are nanoGPT's and Chat-TRM's where they have one. Checking happens in
//! [`RunConfig::validate`] (`check`), before anything is allocated.

mod causal;
mod check;
mod chunk;
mod data;
mod dual;
mod flops;
mod last_token;
mod train;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

pub use causal::{CausalSpec, Injection, StateUpdate};
pub use chunk::{ChunkSpec, DraftStart};
pub use data::{DataSpec, Sampling, Tokenizer};
pub use dual::{DualSpec, Positions, StateStart};
pub use last_token::LastTokenSpec;
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
    Causal(CausalSpec),
    /// Chunk refinement: several tokens drafted at once and refined together.
    Chunk(ChunkSpec),
    /// Dual-state language model (TRM-LM).
    LastToken(LastTokenSpec),
    /// Dual-state puzzle solver with deep supervision and halting (TRM).
    Dual(DualSpec),
}

impl Default for VariantSpec {
    fn default() -> Self {
        Self::Causal(CausalSpec::default())
    }
}

/// The variants by name, as configurations and checkpoints know them.
pub const VARIANTS: &[&str] = &["causal", "chunk", "last_token", "dual"];

/// Sizes by the names of their settings.
pub type Sizes = Vec<(&'static str, usize)>;

/// Asks the specification of whichever variant it is.
macro_rules! of_each {
    ($model:expr, $spec:ident => $answer:expr) => {
        match $model {
            VariantSpec::Causal($spec) => $answer,
            VariantSpec::Chunk($spec) => $answer,
            VariantSpec::LastToken($spec) => $answer,
            VariantSpec::Dual($spec) => $answer,
        }
    };
}
use of_each;

impl VariantSpec {
    /// The name under which configurations and checkpoints know the variant.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Causal(_) => "causal",
            Self::Chunk(_) => "chunk",
            Self::LastToken(_) => "last_token",
            Self::Dual(_) => "dual",
        }
    }

    /// Times that training lets the answer be read out at most: cycles of a
    /// language model, supervision steps of a puzzle solver.
    pub fn depth(&self) -> usize {
        match self {
            Self::Causal(model) => model.recursion_steps,
            Self::Chunk(model) => model.recursion_steps,
            Self::LastToken(model) => model.recursion_steps,
            Self::Dual(model) => model.halt_max_steps,
        }
    }

    /// The setting that says [`depth`](Self::depth).
    pub fn depth_key(&self) -> &'static str {
        if self.solves_puzzles() { "halt_max_steps" } else { "recursion_steps" }
    }

    /// Whether the model answers puzzles, and does not write text.
    pub fn solves_puzzles(&self) -> bool {
        matches!(self, Self::Dual(_))
    }

    /// Tokens of a whole row: the context, or the cells of a puzzle.
    pub fn length(&self) -> usize {
        match self {
            Self::Causal(model) => model.block_size,
            Self::Chunk(model) => model.block_size,
            Self::LastToken(model) => model.block_size,
            Self::Dual(model) => model.seq_len,
        }
    }

    /// Tokens that are predicted at once.
    pub fn chunk_size(&self) -> usize {
        match self {
            Self::Chunk(model) => model.chunk_size,
            _ => 1,
        }
    }

    /// Probability of dropping an activation in training.
    pub fn dropout(&self) -> f64 {
        match self {
            Self::Causal(model) => model.dropout,
            Self::Chunk(model) => model.dropout,
            Self::LastToken(model) => model.dropout,
            Self::Dual(_) => 0.0,
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
            "causal" => Some(Self::default()),
            "chunk" => Some(Self {
                model: VariantSpec::Chunk(ChunkSpec::default()),
                train: TrainSpec::chunk(),
                ..Self::default()
            }),
            "last_token" => Some(Self {
                model: VariantSpec::LastToken(LastTokenSpec::default()),
                ..Self::default()
            }),
            "dual" => Some(Self {
                model: VariantSpec::Dual(DualSpec::default()),
                data: DataSpec { dataset: "sudoku-9x9".into(), ..DataSpec::default() },
                train: TrainSpec::dual(),
            }),
            _ => None,
        }
    }
}
