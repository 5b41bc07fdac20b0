//! The puzzle model with two states (TRM), as data.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::flops::readout;
use super::memory;
use super::settings::{
    EXPANSION, H_CYCLES, HIDDEN_SIZE, L_CYCLES, N_LAYERS, NUM_HEADS, RMS_NORM_EPS, ROPE_THETA,
    STATE_START,
};
use super::shared::{block_parameters, heads, inner_size, narrowed, rotary_table};
use super::{ModelSpec, Sizes, StateStart};
use crate::check::require;
use crate::{
    DataSpec, Decay, Family, LossType, MAX_DEPTH, Optimizer, Prediction, Schedule, Setting,
    SettingError, SettingKind, Supervision, TrainSpec,
};

/// Sizes of the puzzle model. Names and defaults are the official TRM's.
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
    /// Latent steps in a cycle, n (`L_cycles`); one update of the answer follows.
    pub l_cycles: usize,
    /// Largest number of supervision steps for a puzzle; evaluation runs as many.
    pub halt_max_steps: usize,
    /// Cells of a puzzle; each is one token.
    pub seq_len: usize,
    /// Rows of the puzzle embedding.
    pub num_puzzle_identifiers: usize,
    /// Features of the puzzle embedding; 0 means that there is none.
    pub puzzle_emb_ndim: usize,
    /// Positions before the cells that hold the embedding; 0 means as many as it
    /// fills.
    pub puzzle_emb_len: usize,
    /// Position encoding of the cells.
    pub pos_encodings: Positions,
    /// Mix positions by an MLP (a SwiGLU over the sequence) instead of attention.
    pub mlp_t: bool,
    /// SwiGLU expansion; the inner width is rounded up to a multiple of 256.
    pub expansion: f64,
    /// Added to the mean square inside RMSNorm.
    pub rms_norm_eps: f64,
    /// Base of the rotary position frequencies.
    pub rope_theta: f64,
    /// Initial values of both states.
    pub state_start: StateStart,
}

/// Position encoding of the cells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Positions {
    /// Rotary encoding of queries and keys.
    #[default]
    Rope,
    /// A learned vector for every position.
    Learned,
    /// None; token mixing has its own weights for every position.
    None,
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
        self.prefix().saturating_add(self.seq_len)
    }

    /// Operations of one position's forward pass through one call of the network. Token
    /// mixing costs `6·i·d` over `i` inner positions in place of attention.
    fn call_flops(&self) -> f64 {
        let [d, inner, layers, length, mixer] = [
            self.hidden_size,
            self.inner_size(),
            self.n_layers,
            self.positions(),
            self.mixer_size(),
        ]
        .map(|size| size as f64);
        // Token mixing spends `3·length·mixer` on each feature of a whole row.
        let mixing = if self.mlp_t { 6.0 * mixer * d } else { 8.0 * d * d + 4.0 * d * length };
        layers * (mixing + 6.0 * d * inner)
    }
}

impl ModelSpec for TrmSpec {
    const NAME: &'static str = "trm";
    const TITLE: &'static str = "TRM";
    const ABOUT: &'static str =
        "Puzzle model with an answer state and a latent state, deep supervision and halting";
    const FAMILY: Family = Family::Puzzles;
    const DEPTH_KEY: Option<&'static str> = Some("halt_max_steps");
    const LENGTH: &'static str = "model.seq_len";
    const CALLS: &'static str = "model.halt_max_steps * model.h_cycles * (model.l_cycles + 1)";
    const SETTINGS: &'static [Setting] = &[
        HIDDEN_SIZE,
        NUM_HEADS,
        N_LAYERS,
        H_CYCLES,
        L_CYCLES,
        Setting::model(
            "halt_max_steps",
            SettingKind::Integer,
            "Maximum number of supervision steps for a puzzle",
        )
        .within(1.0, MAX_DEPTH as f64)
        .everyday(),
        Setting::model("seq_len", SettingKind::Integer, "Cells of a puzzle").at_least(1).everyday(),
        Setting::model(
            "mlp_t",
            SettingKind::Flag,
            "Mix positions by an MLP over the sequence instead of attention",
        )
        .everyday(),
        Setting::choice(
            "model",
            "pos_encodings",
            &["rope", "learned", "none"],
            "Position encoding of the cells",
        ),
        Setting::model(
            "puzzle_emb_ndim",
            SettingKind::Integer,
            "Features of the puzzle embedding; 0 disables it",
        ),
        Setting::model(
            "puzzle_emb_len",
            SettingKind::Integer,
            "Positions that hold the puzzle embedding; 0 means as many as it fills",
        )
        .at_least(0),
        Setting::model(
            "num_puzzle_identifiers",
            SettingKind::Integer,
            "Rows of the puzzle embedding, one for each puzzle identifier",
        )
        .at_least(1),
        STATE_START,
        EXPANSION,
        RMS_NORM_EPS,
        ROPE_THETA,
    ];

    /// The official Sudoku recipe.
    fn defaults() -> (DataSpec, TrainSpec) {
        (
            DataSpec { dataset: "sudoku-9x9".into(), ..DataSpec::default() },
            TrainSpec {
                batch_size: 768,
                max_iters: 60_000,
                learning_rate: 1e-4,
                lr_schedule: Schedule::Constant,
                warmup_iters: 2000,
                optimizer: Optimizer::AdamAtan2,
                beta2: 0.95,
                weight_decay: 1.0,
                decay: Decay::All,
                loss_type: LossType::Stablemax,
                puzzle_emb_lr: 1e-4,
                puzzle_emb_weight_decay: 1.0,
                ema_decay: 0.999,
                grad_clip: 0.0,
                backprop_cycles: 1,
                eval_interval: 1000,
                eval_iters: 1,
                ..TrainSpec::default()
            },
        )
    }

    fn depth(&self) -> usize {
        self.halt_max_steps
    }

    /// Every identifier of the puzzles has an embedding.
    fn take_decided(&mut self, trained: &Self) {
        self.num_puzzle_identifiers =
            self.num_puzzle_identifiers.max(trained.num_puzzle_identifiers);
    }

    fn set_depth(&mut self, depth: usize) {
        self.halt_max_steps = depth;
    }

    fn length(&self) -> usize {
        self.seq_len
    }

    fn parameters(&self, vocab_size: usize) -> usize {
        let (d, length) = (self.hidden_size as u128, self.positions() as u128);
        let inner = self.inner_size();
        let block = match self.mlp_t {
            true => 3 * length * self.mixer_size() as u128 + 3 * d * inner as u128,
            false => block_parameters(self.hidden_size, inner),
        };
        let learned = if self.pos_encodings == Positions::Learned { length * d } else { 0 };
        let starts = if self.state_start == StateStart::Normal { 2 * d } else { 0 };
        let halt = 2 * d + 2;
        narrowed(
            starts
                + halt
                + learned
                + self.num_puzzle_identifiers as u128 * self.puzzle_emb_ndim as u128
                + 2 * vocab_size as u128 * d
                + (self.n_layers as u128).saturating_mul(block),
        )
    }

    /// A supervision step calls the network `h_cycles · (l_cycles + 1)` times.
    fn training_flops_per_token(&self, train: &TrainSpec, vocab_size: usize) -> f64 {
        let cycles = self.h_cycles as f64;
        let back = match train.backprop_cycles {
            0 => cycles,
            kept => cycles.min(kept as f64),
        };
        let steps = match train.supervision {
            Supervision::Carry => 1.0,
            Supervision::Unrolled => self.halt_max_steps as f64,
        };
        let calls = (cycles + 2.0 * back) * (self.l_cycles + 1) as f64;
        let share = self.positions() as f64 / self.seq_len as f64;
        let readout = readout(self.hidden_size, vocab_size);
        steps * share * (calls * self.call_flops() + 3.0 * readout)
    }

    fn table_bytes(&self) -> u64 {
        match self.mlp_t {
            true => 0,
            false => rotary_table(self.positions(), [self.hidden_size, self.num_heads]),
        }
    }

    fn kept_bytes(&self, train: &TrainSpec, vocab_size: usize) -> f64 {
        let cycles = memory::cycles_back(self.h_cycles, train);
        let calls = cycles * (self.l_cycles + 1) * self.n_layers;
        let [d, inner, positions] = [self.hidden_size, self.inner_size(), self.positions()];
        // One supervision step at a time, also where they are unrolled.
        let blocks = match self.mlp_t {
            true => memory::mixing_block(calls, [d, inner, positions, self.mixer_size()]),
            false => memory::block(calls * positions, [d, inner]),
        };
        blocks + memory::readout(vocab_size) * positions as f64
    }

    fn validate(&self, train: &TrainSpec) -> Result<(), SettingError> {
        if !self.mlp_t {
            heads(self.hidden_size, self.num_heads)?;
        }
        require(
            "state_start",
            self.state_start != StateStart::Learned,
            "is learned, but no gradient reaches the start of a puzzle's states; \
             choose normal or zero"
                .into(),
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
            "gradient_checkpointing",
            !train.gradient_checkpointing,
            format!(
                "is for language models; a `{}` model keeps only its last cycle anyway \
                 (backprop_cycles)",
                Self::NAME
            ),
        )?;
        require(
            "prediction",
            train.prediction == Prediction::EveryPosition,
            "is for language models; every cell of a puzzle is answered".into(),
        )
    }

    fn shown(&self) -> Sizes {
        vec![
            ("n_layers", self.n_layers),
            ("hidden_size", self.hidden_size),
            ("h_cycles", self.h_cycles),
            ("l_cycles", self.l_cycles),
            ("halt_max_steps", self.halt_max_steps),
        ]
    }

    fn sizes(&self) -> Sizes {
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
}
