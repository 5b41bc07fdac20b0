//! The causal single-state model, as data.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::SettingError;
use crate::config::check::{block, heads, language, sizes};
use crate::config::{Sizes, TrainSpec};

/// Sizes of the causal single-state model. Defaults are Chat-TRM's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(default, deny_unknown_fields)]
pub struct ChatTrmSpec {
    /// Width of the state, in features.
    pub hidden_size: usize,
    /// Attention heads; each is `hidden_size / num_heads` wide.
    pub num_heads: usize,
    /// Blocks in the core that every cycle applies.
    pub n_layers: usize,
    /// Cycles of the recursion during training; generation may use any depth.
    pub recursion_steps: usize,
    /// Context length, in tokens.
    pub block_size: usize,
    /// SwiGLU expansion; the inner width is `round(expansion·hidden·2/3)`,
    /// rounded up to a multiple of 256.
    pub expansion: f64,
    /// Probability of dropping an activation during training.
    pub dropout: f64,
    /// Added to the mean square inside RMSNorm.
    pub rms_norm_eps: f64,
    /// Base of the rotary position frequencies.
    pub rope_theta: f64,
    pub input_injection: Injection,
    pub state_update: StateUpdate,
}

/// How a cycle is given the input again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Injection {
    /// `z + x` (Chat-TRM).
    #[default]
    Add,
    /// A learned linear map of `[z; x]` (recurrent depth, arXiv 2502.05171).
    Adapter,
}

/// What a cycle makes of the state it was given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum StateUpdate {
    /// The blocks' output replaces the state (Chat-TRM).
    #[default]
    Replace,
    /// The state moves towards it, by a learned share for each feature.
    Gated,
}

impl Default for ChatTrmSpec {
    fn default() -> Self {
        Self {
            hidden_size: 384,
            num_heads: 6,
            n_layers: 2,
            recursion_steps: 2,
            block_size: 256,
            expansion: 4.0,
            dropout: 0.0,
            rms_norm_eps: 1e-5,
            rope_theta: 10_000.0,
            input_injection: Injection::Add,
            state_update: StateUpdate::Replace,
        }
    }
}

impl ChatTrmSpec {
    /// Features of one head.
    pub fn head_dim(&self) -> usize {
        self.hidden_size / self.num_heads
    }

    /// Inner width of the SwiGLU (512 → 1536 and 96 → 256 at expansion 4).
    pub fn inner_size(&self) -> usize {
        inner_size(self.expansion, self.hidden_size)
    }

    /// Trainable parameters with `vocab_size` tokens; the largest number there
    /// is when the true one is beyond it.
    pub fn parameters(&self, vocab_size: usize) -> usize {
        // Sizes that were not checked yet must not wrap around, least of all in 32 bits.
        let wide = |size: usize| size as u128;
        let (d, inner) = (wide(self.hidden_size), wide(self.inner_size()));
        let block = 4 * d * d + 3 * d * inner;
        let adapter = if self.input_injection == Injection::Adapter { 2 * d * d } else { 0 };
        let gate = if self.state_update == StateUpdate::Gated { d } else { 0 };
        let whole = adapter
            + gate
            + d
            + 2 * wide(vocab_size) * d
            + wide(self.n_layers).saturating_mul(block);
        usize::try_from(whole).unwrap_or(usize::MAX)
    }
}

impl ChatTrmSpec {
    pub(crate) fn shown(&self) -> Sizes {
        vec![
            ("n_layers", self.n_layers),
            ("hidden_size", self.hidden_size),
            ("num_heads", self.num_heads),
            ("recursion_steps", self.recursion_steps),
        ]
    }

    pub(crate) fn sizes(&self) -> Sizes {
        vec![
            ("n_layers", self.n_layers),
            ("hidden_size", self.hidden_size),
            ("num_heads", self.num_heads),
            ("inner size (expansion)", self.inner_size()),
        ]
    }

    pub(crate) fn fits(&self, train: &TrainSpec) -> Result<(), SettingError> {
        sizes(&self.shown())?;
        sizes(&[("block_size", self.block_size)])?;
        heads(self.hidden_size, self.num_heads)?;
        block(self.expansion, self.rms_norm_eps, self.rope_theta)?;
        language(self.recursion_steps, self.dropout, train)
    }
}

/// Inner width of a SwiGLU over `width` numbers.
pub(crate) fn inner_size(expansion: f64, width: usize) -> usize {
    let wanted = (expansion * width as f64 * 2.0 / 3.0).round() as usize;
    wanted.div_ceil(256).saturating_mul(256)
}
