//! The chunk-refinement model, as data.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::inner_size;
use crate::SettingError;
use crate::config::check::{block, heads, language, require, sizes};
use crate::config::{Prediction, Sizes, TrainSpec};

/// Sizes of the chunk-refinement model (seed 002, made honest). Defaults are
/// the published ones: 64 tokens of context, 4 drafted at once, 2 refinements
/// of 3 reasoning steps, one network of 2 blocks for all of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(default, deny_unknown_fields)]
pub struct ChunkLmSpec {
    /// Width of the states, in features.
    pub hidden_size: usize,
    /// Attention heads; each is `hidden_size / num_heads` wide.
    pub num_heads: usize,
    /// Blocks of the one network that reads the context, reasons and refines.
    pub n_layers: usize,
    /// Refinements of a chunk during training; generation may use any number.
    pub recursion_steps: usize,
    /// Reasoning steps in a refinement; one step of the draft follows.
    pub l_cycles: usize,
    /// Context length, in tokens.
    pub block_size: usize,
    /// Tokens that are drafted at once; must divide `block_size`.
    pub chunk_size: usize,
    pub draft_start: DraftStart,
    /// Read answers out with the token embedding instead of a matrix of its own.
    pub tie_embeddings: bool,
    /// SwiGLU expansion; the inner width is rounded up to a multiple of 256.
    pub expansion: f64,
    /// Probability of dropping an activation during training.
    pub dropout: f64,
    /// Added to the mean square inside RMSNorm.
    pub rms_norm_eps: f64,
    /// Base of the rotary position frequencies.
    pub rope_theta: f64,
}

/// What a draft is before it is refined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum DraftStart {
    /// A learned vector for each place in the chunk.
    #[default]
    Queries,
    /// What the network made of the context's last token.
    LastToken,
    /// The embedding of the answer itself, as published. A leak: its losses mean
    /// nothing, and without the answer such a model starts from the last token.
    /// Only to show what a leak does.
    Targets,
}

impl Default for ChunkLmSpec {
    fn default() -> Self {
        Self {
            hidden_size: 128,
            num_heads: 4,
            n_layers: 2,
            recursion_steps: 2,
            l_cycles: 3,
            block_size: 64,
            chunk_size: 4,
            draft_start: DraftStart::Queries,
            tie_embeddings: true,
            expansion: 4.0,
            dropout: 0.0,
            rms_norm_eps: 1e-5,
            rope_theta: 10_000.0,
        }
    }
}

impl ChunkLmSpec {
    /// Features of one head.
    pub fn head_dim(&self) -> usize {
        self.hidden_size / self.num_heads
    }

    /// Inner width of the SwiGLU.
    pub fn inner_size(&self) -> usize {
        inner_size(self.expansion, self.hidden_size)
    }

    /// Trainable parameters with `vocab_size` tokens; the largest number there
    /// is when the true one is beyond it.
    pub fn parameters(&self, vocab_size: usize) -> usize {
        let wide = |size: usize| size as u128;
        let (d, inner) = (wide(self.hidden_size), wide(self.inner_size()));
        let tables = if self.tie_embeddings { 1 } else { 2 };
        // The marks of a draft's and of its reasoning's places.
        let marks = 2 * wide(self.chunk_size) * d;
        let whole = marks
            + tables * wide(vocab_size) * d
            + wide(self.n_layers).saturating_mul(4 * d * d + 3 * d * inner);
        usize::try_from(whole).unwrap_or(usize::MAX)
    }

    pub(crate) fn shown(&self) -> Sizes {
        vec![
            ("n_layers", self.n_layers),
            ("hidden_size", self.hidden_size),
            ("num_heads", self.num_heads),
            ("chunk_size", self.chunk_size),
            ("recursion_steps", self.recursion_steps),
            ("l_cycles", self.l_cycles),
        ]
    }

    pub(crate) fn sizes(&self) -> Sizes {
        vec![
            ("n_layers", self.n_layers),
            ("hidden_size", self.hidden_size),
            ("num_heads", self.num_heads),
            ("inner size (expansion)", self.inner_size()),
            ("chunk_size", self.chunk_size),
            ("tie_embeddings", usize::from(self.tie_embeddings)),
        ]
    }

    pub(crate) fn fits(&self, train: &TrainSpec) -> Result<(), SettingError> {
        sizes(&self.shown())?;
        sizes(&[("block_size", self.block_size)])?;
        heads(self.hidden_size, self.num_heads)?;
        block(self.expansion, self.rms_norm_eps, self.rope_theta)?;
        require(
            "chunk_size",
            self.block_size.is_multiple_of(self.chunk_size),
            format!("is {}, which does not divide block_size {}", self.chunk_size, self.block_size),
        )?;
        require(
            "prediction",
            train.prediction == Prediction::EveryPosition,
            "is for models that predict one token; a `chunk` model predicts whole chunks".into(),
        )?;
        language(self.recursion_steps, self.dropout, train)
    }
}
