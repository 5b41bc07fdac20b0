//! The dual-state model, as data.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::inner_size;
use crate::SettingError;
use crate::config::check::{MAX_SIZE, block, heads, require, sizes};
use crate::config::{Prediction, Sizes, TrainSpec};

/// Sizes of the dual-state model. Names and defaults are the official TRM's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(default, deny_unknown_fields)]
pub struct TrmSpec {
    /// Width of the states, in features.
    pub hidden_size: usize,
    /// Attention heads; each is `hidden_size / num_heads` wide.
    pub num_heads: usize,
    /// Blocks in the one network that both states share (`L_layers`).
    pub n_layers: usize,
    /// Cycles of a supervision step, T (`H_cycles`).
    pub h_cycles: usize,
    /// Latent steps in a cycle, n (`L_cycles`); one step of the answer follows.
    pub l_cycles: usize,
    /// Most supervision steps a puzzle is given, and how many evaluation runs.
    pub halt_max_steps: usize,
    /// Cells of a puzzle, in tokens.
    pub seq_len: usize,
    /// Rows of the puzzle embedding.
    pub num_puzzle_identifiers: usize,
    /// Numbers in a puzzle's embedding; 0 means there is none.
    pub puzzle_emb_ndim: usize,
    /// Positions that the embedding takes before the cells; 0 means as many as
    /// it fills.
    pub puzzle_emb_len: usize,
    pub pos_encodings: Positions,
    /// Mix positions by a SwiGLU over the sequence instead of attention.
    pub mlp_t: bool,
    /// SwiGLU expansion; the inner width is rounded up to a multiple of 256.
    pub expansion: f64,
    /// Added to the mean square inside RMSNorm.
    pub rms_norm_eps: f64,
    /// Base of the rotary position frequencies.
    pub rope_theta: f64,
    pub state_start: StateStart,
}

/// How a model knows where a cell is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Positions {
    /// Rotated queries and keys.
    #[default]
    Rope,
    /// A learned vector for every position.
    Learned,
    /// Not at all; token mixing has its own weights for every position.
    None,
}

/// Where both states begin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum StateStart {
    /// Two vectors drawn once and never trained (official TRM).
    #[default]
    Normal,
    Zero,
    /// Two vectors that are trained; of language models only.
    Learned,
}

impl Default for TrmSpec {
    fn default() -> Self {
        Self {
            hidden_size: 512,
            num_heads: 8,
            n_layers: 2,
            h_cycles: 3,
            l_cycles: 6,
            halt_max_steps: 16,
            seq_len: 81,
            num_puzzle_identifiers: 1,
            puzzle_emb_ndim: 512,
            puzzle_emb_len: 16,
            pos_encodings: Positions::Rope,
            mlp_t: false,
            expansion: 4.0,
            rms_norm_eps: 1e-5,
            rope_theta: 10_000.0,
            state_start: StateStart::Normal,
        }
    }
}

impl TrmSpec {
    /// Features of one head.
    pub fn head_dim(&self) -> usize {
        self.hidden_size / self.num_heads
    }

    /// Inner width of the SwiGLU over the features.
    pub fn inner_size(&self) -> usize {
        inner_size(self.expansion, self.hidden_size)
    }

    /// Inner width of the SwiGLU over the positions.
    pub fn mixer_size(&self) -> usize {
        inner_size(self.expansion, self.positions())
    }

    /// Positions before the cells.
    pub fn prefix(&self) -> usize {
        match (self.puzzle_emb_ndim, self.puzzle_emb_len) {
            (0, _) => 0,
            (ndim, 0) => ndim.div_ceil(self.hidden_size.max(1)),
            (_, len) => len,
        }
    }

    /// Positions of the states: the prefix, then the cells.
    pub fn positions(&self) -> usize {
        self.prefix() + self.seq_len
    }

    /// Numbers of a model of `vocab_size` tokens, those that are not trained by
    /// gradient included; the largest number there is when the true one is
    /// beyond it.
    pub fn parameters(&self, vocab_size: usize) -> usize {
        let wide = |size: usize| size as u128;
        let (d, length) = (wide(self.hidden_size), wide(self.positions()));
        let mixer = if self.mlp_t { 3 * length * wide(self.mixer_size()) } else { 4 * d * d };
        let block = mixer + 3 * d * wide(self.inner_size());
        let learned = if self.pos_encodings == Positions::Learned { length * d } else { 0 };
        let starts = if self.state_start == StateStart::Normal { 2 * d } else { 0 };
        let halt = 2 * d + 2;
        let whole = starts
            + halt
            + learned
            + wide(self.num_puzzle_identifiers) * wide(self.puzzle_emb_ndim)
            + 2 * wide(vocab_size) * d
            + wide(self.n_layers).saturating_mul(block);
        usize::try_from(whole).unwrap_or(usize::MAX)
    }
}

impl TrmSpec {
    pub(crate) fn shown(&self) -> Sizes {
        vec![
            ("n_layers", self.n_layers),
            ("hidden_size", self.hidden_size),
            ("h_cycles", self.h_cycles),
            ("l_cycles", self.l_cycles),
            ("halt_max_steps", self.halt_max_steps),
        ]
    }

    pub(crate) fn sizes(&self) -> Sizes {
        vec![
            ("n_layers", self.n_layers),
            ("hidden_size", self.hidden_size),
            ("num_heads", self.num_heads),
            ("inner size (expansion)", self.inner_size()),
            ("seq_len", self.seq_len),
            ("positions before the cells", self.prefix()),
            ("puzzle_emb_ndim", self.puzzle_emb_ndim),
            ("num_puzzle_identifiers", self.num_puzzle_identifiers),
            ("mlp_t", usize::from(self.mlp_t)),
        ]
    }

    pub(crate) fn fits(&self, train: &TrainSpec) -> Result<(), SettingError> {
        sizes(&self.shown())?;
        sizes(&[
            ("num_heads", self.num_heads),
            ("seq_len", self.seq_len),
            ("num_puzzle_identifiers", self.num_puzzle_identifiers),
        ])?;
        if !self.mlp_t {
            heads(self.hidden_size, self.num_heads)?;
        }
        block(self.expansion, self.rms_norm_eps, self.rope_theta)?;
        require(
            "state_start",
            self.state_start != StateStart::Learned,
            "is learned, but no gradient reaches the start of a puzzle's states; \
             choose normal or zero"
                .into(),
        )?;
        require(
            "puzzle_emb_len",
            self.puzzle_emb_len <= MAX_SIZE,
            format!("is {}, which is absurdly large", self.puzzle_emb_len),
        )?;
        require(
            "puzzle_emb_ndim",
            self.puzzle_emb_ndim <= self.prefix().saturating_mul(self.hidden_size),
            format!(
                "is {}, more than puzzle_emb_len {} positions of hidden_size {} hold",
                self.puzzle_emb_ndim,
                self.prefix(),
                self.hidden_size
            ),
        )?;
        require(
            "gradient_accumulation_steps",
            train.gradient_accumulation_steps == 1,
            "must be 1 for `dual` models: their states are carried from one update to the next"
                .into(),
        )?;
        require(
            "gradient_checkpointing",
            !train.gradient_checkpointing,
            "is for language models; a `dual` model keeps only its last cycle anyway \
             (backprop_cycles)"
                .into(),
        )?;
        require(
            "prediction",
            train.prediction == Prediction::EveryPosition,
            "is for language models; every cell of a puzzle is answered".into(),
        )
    }
}
