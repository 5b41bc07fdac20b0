//! The dual-state language model (TRM-LM), as data.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::StateStart;
use super::inner_size;
use crate::SettingError;
use crate::config::check::{block, heads, in_range, language, sizes};
use crate::config::{Sizes, TrainSpec};

/// Sizes of TRM-LM (seed 004). Defaults are the published ones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(default, deny_unknown_fields)]
pub struct TrmLmSpec {
    /// Width of the states, in features.
    pub hidden_size: usize,
    /// Attention heads; each is `hidden_size / num_heads` wide.
    pub num_heads: usize,
    /// Blocks in the one network that both states share.
    pub n_layers: usize,
    /// Outer cycles, T; the answer can be read out after each.
    pub recursion_steps: usize,
    /// Inner steps of the latent state in a cycle, N; a step of the answer follows.
    pub l_cycles: usize,
    /// Context length, in tokens.
    pub block_size: usize,
    /// Share of the old latent state in the new one: `z = α·z + f(x + y + z)`.
    pub alpha: f64,
    /// Train α, from `alpha` on.
    pub learnable_alpha: bool,
    pub state_start: StateStart,
    /// SwiGLU expansion; the inner width is rounded up to a multiple of 256.
    pub expansion: f64,
    /// Probability of dropping an activation during training.
    pub dropout: f64,
    /// Added to the mean square inside RMSNorm.
    pub rms_norm_eps: f64,
    /// Base of the rotary position frequencies.
    pub rope_theta: f64,
}

impl Default for TrmLmSpec {
    fn default() -> Self {
        Self {
            hidden_size: 192,
            num_heads: 8,
            n_layers: 2,
            recursion_steps: 3,
            l_cycles: 6,
            block_size: 100,
            alpha: 0.0,
            learnable_alpha: true,
            state_start: StateStart::Normal,
            expansion: 4.0,
            dropout: 0.0,
            rms_norm_eps: 1e-5,
            rope_theta: 10_000.0,
        }
    }
}

impl TrmLmSpec {
    /// Features of one head.
    pub fn head_dim(&self) -> usize {
        self.hidden_size / self.num_heads
    }

    /// Inner width of the SwiGLU.
    pub fn inner_size(&self) -> usize {
        inner_size(self.expansion, self.hidden_size)
    }

    /// Numbers of a model of `vocab_size` tokens, a start that is not trained
    /// included; the largest number there is when the true one is beyond it.
    pub fn parameters(&self, vocab_size: usize) -> usize {
        let wide = |size: usize| size as u128;
        let (d, inner) = (wide(self.hidden_size), wide(self.inner_size()));
        let starts = if self.state_start == StateStart::Zero { 0 } else { 2 * d };
        let whole = starts
            + u128::from(self.learnable_alpha)
            + 2 * wide(vocab_size) * d
            + wide(self.n_layers).saturating_mul(4 * d * d + 3 * d * inner);
        usize::try_from(whole).unwrap_or(usize::MAX)
    }

    pub(crate) fn shown(&self) -> Sizes {
        vec![
            ("n_layers", self.n_layers),
            ("hidden_size", self.hidden_size),
            ("num_heads", self.num_heads),
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
            ("learnable_alpha", usize::from(self.learnable_alpha)),
            ("state_start other than zero", usize::from(self.state_start != StateStart::Zero)),
        ]
    }

    pub(crate) fn fits(&self, train: &TrainSpec) -> Result<(), SettingError> {
        sizes(&self.shown())?;
        sizes(&[("block_size", self.block_size)])?;
        heads(self.hidden_size, self.num_heads)?;
        block(self.expansion, self.rms_norm_eps, self.rope_theta)?;
        // From 1 on the latent state grows with every step.
        in_range("alpha", self.alpha, -1.0, 1.0)?;
        language(self.recursion_steps, self.dropout, train)
    }
}
