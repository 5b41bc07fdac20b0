//! The language model with two states (TRM-LM), as data.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::flops::{Forward, blocks, readout};
use super::memory::{self, Kept};
use super::settings::{
    ALPHA, BLOCK_SIZE, DROPOUT, EXPANSION, HIDDEN_SIZE, L_CYCLES, LEARNABLE_ALPHA, N_LAYERS,
    NUM_HEADS, RECURSION_STEPS, RMS_NORM_EPS, ROPE_THETA, STATE_START,
};
use super::shared::{
    block_parameters, heads, inner_size, language, narrowed, rotary_table, state_start,
};
use super::{ModelSpec, Sizes, StateStart};
use crate::check::in_range;
use crate::{Family, Setting, SettingError, TrainSpec};

/// Sizes of TRM-LM. Defaults are the published ones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(default, deny_unknown_fields)]
pub struct TrmLmSpec {
    /// Width of the states, in features.
    pub hidden_size: usize,
    /// Attention heads; each is `hidden_size / num_heads` wide.
    pub num_heads: usize,
    /// Blocks in the one network that both states share.
    pub n_layers: usize,
    /// Outer cycles, T; the answer can be read out after each of them.
    pub recursion_steps: usize,
    /// Inner steps of the latent state in a cycle, N; a step of the answer follows.
    pub l_cycles: usize,
    /// Context length, in tokens.
    pub block_size: usize,
    /// Residual weight: `z = alpha·z + f(x + y + z)`.
    pub alpha: f64,
    /// Whether `alpha` is trained; its value is then the initial one.
    pub learnable_alpha: bool,
    /// Initial values of both states.
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

    /// A cycle calls the network `l_cycles + 1` times.
    fn forward(&self, vocab_size: usize) -> Forward {
        let sizes = [self.hidden_size, self.inner_size(), self.n_layers, self.block_size];
        Forward {
            once: 0.0,
            cycle: (self.l_cycles + 1) as f64 * blocks(sizes),
            readout: readout(self.hidden_size, vocab_size),
        }
    }
}

impl ModelSpec for TrmLmSpec {
    const NAME: &'static str = "trm_lm";
    const TITLE: &'static str = "TRM-LM";
    const ABOUT: &'static str = "Language model with an answer state and a latent state";
    const FAMILY: Family = Family::Language;
    const DEPTH_KEY: Option<&'static str> = Some("recursion_steps");
    const LENGTH: &'static str = "model.block_size";
    const CALLS: &'static str = "model.recursion_steps * (model.l_cycles + 1)";
    const SETTINGS: &'static [Setting] = &[
        HIDDEN_SIZE,
        NUM_HEADS,
        N_LAYERS,
        RECURSION_STEPS,
        L_CYCLES,
        BLOCK_SIZE,
        DROPOUT,
        ALPHA,
        LEARNABLE_ALPHA,
        STATE_START,
        EXPANSION,
        RMS_NORM_EPS,
        ROPE_THETA,
    ];

    fn depth(&self) -> usize {
        self.recursion_steps
    }

    fn set_depth(&mut self, depth: usize) {
        self.recursion_steps = depth;
    }

    fn length(&self) -> usize {
        self.block_size
    }

    fn dropout(&self) -> f64 {
        self.dropout
    }

    fn parameters(&self, vocab_size: usize) -> usize {
        let d = self.hidden_size as u128;
        let starts = if self.state_start == StateStart::Zero { 0 } else { 2 * d };
        let block = block_parameters(self.hidden_size, self.inner_size());
        let blocks = (self.n_layers as u128).saturating_mul(block);
        narrowed(starts + u128::from(self.learnable_alpha) + 2 * vocab_size as u128 * d + blocks)
    }

    fn training_flops_per_token(&self, train: &TrainSpec, vocab_size: usize) -> f64 {
        self.forward(vocab_size).training(self, train)
    }

    fn table_bytes(&self) -> u64 {
        rotary_table(self.block_size, [self.hidden_size, self.num_heads])
    }

    fn kept_bytes(&self, train: &TrainSpec, vocab_size: usize) -> f64 {
        let calls = self.n_layers * (self.l_cycles + 1);
        let kept = Kept {
            once: 0.0,
            cycle: memory::block(calls, [self.hidden_size, self.inner_size()]),
            state: 2 * self.hidden_size,
            readout: memory::readout(vocab_size),
        };
        kept.training(self, train) * self.block_size as f64
    }

    fn validate(&self, train: &TrainSpec) -> Result<(), SettingError> {
        heads(self.hidden_size, self.num_heads)?;
        // From 1 on the latent state grows with every step.
        in_range("alpha", self.alpha, -1.0, 1.0)?;
        language(self, train)
    }

    fn validate_training(&self, train: &TrainSpec) -> Result<(), SettingError> {
        state_start(self, self.state_start, train)
    }

    fn shown(&self) -> Sizes {
        vec![
            ("n_layers", self.n_layers),
            ("hidden_size", self.hidden_size),
            ("num_heads", self.num_heads),
            ("recursion_steps", self.recursion_steps),
            ("l_cycles", self.l_cycles),
        ]
    }

    fn sizes(&self) -> Sizes {
        vec![
            ("n_layers", self.n_layers),
            ("hidden_size", self.hidden_size),
            ("num_heads", self.num_heads),
            ("inner size (expansion)", self.inner_size()),
            ("learnable_alpha", usize::from(self.learnable_alpha)),
            ("state_start other than zero", usize::from(self.state_start != StateStart::Zero)),
        ]
    }
}
