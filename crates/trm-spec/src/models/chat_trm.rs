//! The causal language model with one state (Chat-TRM), as data.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::flops::{Forward, blocks, readout};
use super::memory::{self, Kept};
use super::settings::{
    BLOCK_SIZE, DROPOUT, EXPANSION, HIDDEN_SIZE, N_LAYERS, NUM_HEADS, RECURSION_STEPS,
    RMS_NORM_EPS, ROPE_THETA,
};
use super::shared::{block_parameters, heads, inner_size, language, narrowed, rotary_table};
use super::{ModelSpec, Sizes};
use crate::{Family, Setting, SettingError, TrainSpec};

/// Sizes of the causal language model with one state. Defaults are Chat-TRM's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(default, deny_unknown_fields)]
pub struct ChatTrmSpec {
    /// Width of the state, in features.
    pub hidden_size: usize,
    /// Attention heads; each is `hidden_size / num_heads` wide.
    pub num_heads: usize,
    /// Blocks that every cycle applies.
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
    /// How every cycle receives the input again.
    pub input_injection: Injection,
    /// How a cycle changes the state.
    pub state_update: StateUpdate,
}

/// How every cycle receives the input again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Injection {
    /// `z + x` (Chat-TRM).
    #[default]
    Add,
    /// A learned linear map of `[z; x]` (recurrent depth, arXiv 2502.05171).
    Adapter,
}

/// How a cycle changes the state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum StateUpdate {
    /// The output of the blocks replaces the state (Chat-TRM).
    #[default]
    Replace,
    /// The state moves towards the output, with a learned rate for each feature.
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

    fn forward(&self, vocab_size: usize) -> Forward {
        let d = self.hidden_size as f64;
        let adapter = if self.input_injection == Injection::Adapter { 4.0 * d * d } else { 0.0 };
        let sizes = [self.hidden_size, self.inner_size(), self.n_layers, self.block_size];
        Forward {
            once: 0.0,
            cycle: blocks(sizes) + adapter,
            readout: readout(self.hidden_size, vocab_size),
        }
    }

    /// Floating-point operations that training spends on one token, forward and
    /// backward, through `depth` cycles and one readout.
    pub fn flops_per_token(&self, vocab_size: usize, depth: usize) -> f64 {
        let Forward { once, cycle, readout } = self.forward(vocab_size);
        3.0 * (once + depth as f64 * cycle + readout)
    }
}

impl ModelSpec for ChatTrmSpec {
    const NAME: &'static str = "chat_trm";
    const TITLE: &'static str = "Chat-TRM";
    const ABOUT: &'static str = "Causal language model: one state, refined in every cycle";
    const FAMILY: Family = Family::Language;
    const DEPTH_KEY: Option<&'static str> = Some("recursion_steps");
    const LENGTH: &'static str = "model.block_size";
    const CALLS: &'static str = "model.recursion_steps";
    const SETTINGS: &'static [Setting] = &[
        HIDDEN_SIZE,
        NUM_HEADS,
        N_LAYERS,
        RECURSION_STEPS,
        BLOCK_SIZE,
        DROPOUT,
        EXPANSION,
        RMS_NORM_EPS,
        ROPE_THETA,
        Setting::choice(
            "model",
            "input_injection",
            &["add", "adapter"],
            "How every cycle receives the input again: added to the state (Chat-TRM), or through a learned linear map of both",
        ),
        Setting::choice(
            "model",
            "state_update",
            &["replace", "gated"],
            "How a cycle changes the state: replaces it (Chat-TRM), or interpolates with a learned rate per feature",
        ),
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
        let adapter = if self.input_injection == Injection::Adapter { 2 * d * d } else { 0 };
        let gate = if self.state_update == StateUpdate::Gated { d } else { 0 };
        let block = block_parameters(self.hidden_size, self.inner_size());
        let blocks = (self.n_layers as u128).saturating_mul(block);
        narrowed(adapter + gate + d + 2 * vocab_size as u128 * d + blocks)
    }

    fn training_flops_per_token(&self, train: &TrainSpec, vocab_size: usize) -> f64 {
        self.forward(vocab_size).training(self, train)
    }

    fn table_bytes(&self) -> u64 {
        rotary_table(self.block_size, [self.hidden_size, self.num_heads])
    }

    fn kept_bytes(&self, train: &TrainSpec, vocab_size: usize) -> f64 {
        let kept = Kept {
            once: 0.0,
            cycle: memory::block(self.n_layers, [self.hidden_size, self.inner_size()]),
            state: self.hidden_size,
            readout: memory::readout(vocab_size),
        };
        kept.training(self, train) * self.block_size as f64
    }

    fn validate(&self, train: &TrainSpec) -> Result<(), SettingError> {
        heads(self.hidden_size, self.num_heads)?;
        language(self, train)
    }

    fn shown(&self) -> Sizes {
        vec![
            ("n_layers", self.n_layers),
            ("hidden_size", self.hidden_size),
            ("num_heads", self.num_heads),
            ("recursion_steps", self.recursion_steps),
        ]
    }

    fn sizes(&self) -> Sizes {
        vec![
            ("n_layers", self.n_layers),
            ("hidden_size", self.hidden_size),
            ("num_heads", self.num_heads),
            ("inner size (expansion)", self.inner_size()),
        ]
    }
}
