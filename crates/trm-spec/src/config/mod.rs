//! The whole configuration of a run. A preset in `configs/` is this, as TOML.
//!
//! Names are nanoGPT's and Chat-TRM's where they have one. Checking happens in
//! [`RunConfig::validate`], before anything is allocated.

mod causal;
mod data;
mod dual;
mod flops;
mod train;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::SettingError;
pub use causal::{CausalSpec, Injection, StateUpdate};
pub use data::{DataSpec, Sampling, Tokenizer};
pub use dual::{DualSpec, Positions, StateStart};
pub use train::{
    Decay, DepthSampling, LossType, Objective, Optimizer, Precision, Schedule, Supervision,
    TrainSpec,
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
    /// Dual-state puzzle solver with deep supervision and halting (TRM).
    Dual(DualSpec),
}

impl Default for VariantSpec {
    fn default() -> Self {
        Self::Causal(CausalSpec::default())
    }
}

/// The variants by name, as configurations and checkpoints know them.
pub const VARIANTS: &[&str] = &["causal", "dual"];

impl VariantSpec {
    /// The name under which configurations and checkpoints know the variant.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Causal(_) => "causal",
            Self::Dual(_) => "dual",
        }
    }

    /// Times that training lets the answer be read out at most: cycles of a
    /// single-state model, supervision steps of a dual-state one.
    pub fn depth(&self) -> usize {
        match self {
            Self::Causal(model) => model.recursion_steps,
            Self::Dual(model) => model.halt_max_steps,
        }
    }

    /// Whether the model answers puzzles, and does not write text.
    pub fn solves_puzzles(&self) -> bool {
        matches!(self, Self::Dual(_))
    }

    /// Tokens of a whole row: the context, or the cells of a puzzle.
    pub fn length(&self) -> usize {
        match self {
            Self::Causal(model) => model.block_size,
            Self::Dual(model) => model.seq_len,
        }
    }

    /// Numbers in a model of `vocab_size` tokens.
    pub fn parameters(&self, vocab_size: usize) -> usize {
        match self {
            Self::Causal(model) => model.parameters(vocab_size),
            Self::Dual(model) => model.parameters(vocab_size),
        }
    }

    /// The sizes that a plan shows.
    pub fn shown(&self) -> Vec<(&'static str, usize)> {
        match self {
            Self::Causal(model) => vec![
                ("n_layers", model.n_layers),
                ("hidden_size", model.hidden_size),
                ("num_heads", model.num_heads),
                ("recursion_steps", model.recursion_steps),
            ],
            Self::Dual(model) => vec![
                ("n_layers", model.n_layers),
                ("hidden_size", model.hidden_size),
                ("h_cycles", model.h_cycles),
                ("l_cycles", model.l_cycles),
                ("halt_max_steps", model.halt_max_steps),
            ],
        }
    }

    /// The sizes of the weights, which fit where all are equal.
    pub fn sizes(&self) -> Vec<(&'static str, usize)> {
        match self {
            Self::Causal(model) => vec![
                ("n_layers", model.n_layers),
                ("hidden_size", model.hidden_size),
                ("num_heads", model.num_heads),
                ("inner size (expansion)", model.inner_size()),
            ],
            Self::Dual(model) => vec![
                ("n_layers", model.n_layers),
                ("hidden_size", model.hidden_size),
                ("num_heads", model.num_heads),
                ("inner size (expansion)", model.inner_size()),
                ("seq_len", model.seq_len),
                ("positions before the cells", model.prefix()),
                ("puzzle_emb_ndim", model.puzzle_emb_ndim),
                ("num_puzzle_identifiers", model.num_puzzle_identifiers),
                ("mlp_t", usize::from(model.mlp_t)),
            ],
        }
    }
}

impl RunConfig {
    /// The defaults of the variant called `name`, where there is one.
    pub fn of(name: &str) -> Option<Self> {
        match name {
            "causal" => Some(Self::default()),
            "dual" => Some(Self {
                model: VariantSpec::Dual(DualSpec::default()),
                data: DataSpec { dataset: "sudoku-9x9".into(), ..DataSpec::default() },
                train: TrainSpec::dual(),
            }),
            _ => None,
        }
    }
}

/// Largest product of sizes a run may ask for, so that a typing error is an
/// error message and not an exhausted machine.
const MAX_PARAMETERS: usize = 1 << 30;

/// Largest seed that TOML, JSON and JavaScript all write down exactly.
const MAX_SEED: u64 = (1 << 53) - 1;

impl RunConfig {
    /// Checks what can be checked without the text.
    pub fn validate(&self) -> Result<(), SettingError> {
        match &self.model {
            VariantSpec::Causal(model) => causal_fits(model, &self.train)?,
            VariantSpec::Dual(model) => dual_fits(model, &self.train)?,
        }
        require(
            "hidden_size",
            self.model.parameters(0) <= MAX_PARAMETERS,
            format!("makes a model of {} parameters, more than 2^30", self.model.parameters(0)),
        )?;
        let (data, train) = (&self.data, &self.train);
        sizes(&[
            ("batch_size", train.batch_size),
            ("max_iters", train.max_iters),
            ("eval_interval", train.eval_interval),
            ("log_interval", train.log_interval),
            ("min_depth", train.min_depth),
            ("gradient_accumulation_steps", train.gradient_accumulation_steps),
            ("save_top_k", train.save_top_k),
            ("num_puzzles", data.num_puzzles),
        ])?;
        for (key, count) in [("num_val_puzzles", data.num_val_puzzles), ("num_aug", data.num_aug)] {
            let reason = format!("is {count}, which is absurdly large");
            require(key, count <= MAX_SIZE, reason)?;
        }
        require(
            "min_guesses",
            data.min_guesses <= data.max_guesses,
            format!("is {}, more than max_guesses {}", data.min_guesses, data.max_guesses),
        )?;
        in_range("val_fraction", data.val_fraction, 0.0, 0.9)?;
        in_range("learning_rate", train.learning_rate, 0.0, 10.0)?;
        in_range("min_lr", train.min_lr, 0.0, 10.0)?;
        in_range("beta1", train.beta1, 0.0, 0.999_999)?;
        in_range("beta2", train.beta2, 0.0, 0.999_999)?;
        in_range("adam_eps", train.adam_eps, 1e-30, 1.0)?;
        in_range("weight_decay", train.weight_decay, 0.0, 10.0)?;
        in_range("halt_loss_weight", train.halt_loss_weight, 0.0, 100.0)?;
        in_range("halt_exploration_prob", train.halt_exploration_prob, 0.0, 1.0)?;
        in_range("puzzle_emb_lr", train.puzzle_emb_lr, 0.0, 10.0)?;
        in_range("puzzle_emb_weight_decay", train.puzzle_emb_weight_decay, 0.0, 10.0)?;
        in_range("muon_momentum", train.muon_momentum, 0.0, 0.999_999)?;
        in_range("ema_decay", train.ema_decay, 0.0, 0.999_999_9)?;
        in_range("grad_clip", train.grad_clip, 0.0, 1e9)?;
        require(
            "seed",
            train.seed <= MAX_SEED,
            format!("is {}, but must be below 2^53", train.seed),
        )?;
        let depth = self.model.depth();
        require(
            "cycle_weights",
            train.cycle_weights.is_empty() || train.cycle_weights.len() == depth,
            format!(
                "has {} weights for {depth} {}",
                train.cycle_weights.len(),
                match self.model {
                    VariantSpec::Causal(_) => "recursion_steps",
                    VariantSpec::Dual(_) => "halt_max_steps",
                }
            ),
        )?;
        require(
            "cycle_weights",
            train.cycle_weights.iter().all(|w| w.is_finite() && *w >= 0.0)
                && (train.cycle_weights.is_empty() || train.cycle_weights[0] > 0.0),
            "must be finite and not negative, and the first above zero".into(),
        )
    }
}

fn causal_fits(model: &CausalSpec, train: &TrainSpec) -> Result<(), SettingError> {
    sizes(&[
        ("hidden_size", model.hidden_size),
        ("num_heads", model.num_heads),
        ("n_layers", model.n_layers),
        ("recursion_steps", model.recursion_steps),
        ("block_size", model.block_size),
    ])?;
    heads(model.hidden_size, model.num_heads)?;
    in_range("expansion", model.expansion, 0.01, 64.0)?;
    in_range("dropout", model.dropout, 0.0, 0.95)?;
    in_range("rms_norm_eps", model.rms_norm_eps, 0.0, 1.0)?;
    in_range("rope_theta", model.rope_theta, 1.0, 1e9)?;
    require(
        "min_depth",
        train.min_depth <= model.recursion_steps,
        format!("is {}, more than recursion_steps {}", train.min_depth, model.recursion_steps),
    )?;
    require(
        "loss_type",
        train.loss_type == LossType::Softmax,
        "is stablemax, which only `dual` models are trained with".into(),
    )
}

fn dual_fits(model: &DualSpec, train: &TrainSpec) -> Result<(), SettingError> {
    sizes(&[
        ("hidden_size", model.hidden_size),
        ("num_heads", model.num_heads),
        ("n_layers", model.n_layers),
        ("h_cycles", model.h_cycles),
        ("l_cycles", model.l_cycles),
        ("halt_max_steps", model.halt_max_steps),
        ("seq_len", model.seq_len),
        ("num_puzzle_identifiers", model.num_puzzle_identifiers),
    ])?;
    if !model.mlp_t {
        heads(model.hidden_size, model.num_heads)?;
    }
    in_range("expansion", model.expansion, 0.01, 64.0)?;
    in_range("rms_norm_eps", model.rms_norm_eps, 0.0, 1.0)?;
    in_range("rope_theta", model.rope_theta, 1.0, 1e9)?;
    require(
        "puzzle_emb_len",
        model.puzzle_emb_len <= MAX_SIZE,
        format!("is {}, which is absurdly large", model.puzzle_emb_len),
    )?;
    require(
        "puzzle_emb_ndim",
        model.puzzle_emb_ndim <= model.prefix().saturating_mul(model.hidden_size),
        format!(
            "is {}, more than puzzle_emb_len {} positions of hidden_size {} hold",
            model.puzzle_emb_ndim,
            model.prefix(),
            model.hidden_size
        ),
    )?;
    require(
        "gradient_accumulation_steps",
        train.gradient_accumulation_steps == 1,
        "must be 1 for `dual` models: their states are carried from one update to the next".into(),
    )?;
    require(
        "gradient_checkpointing",
        !train.gradient_checkpointing,
        "is for `causal` models; a `dual` model keeps only its last cycle anyway (backprop_cycles)"
            .into(),
    )
}

/// Largest single size.
const MAX_SIZE: usize = 1 << 24;

fn sizes(all: &[(&'static str, usize)]) -> Result<(), SettingError> {
    for &(key, value) in all {
        require(key, value >= 1, format!("is {value}, but must be at least 1"))?;
        require(key, value <= MAX_SIZE, format!("is {value}, which is absurdly large"))?;
    }
    Ok(())
}

fn heads(hidden_size: usize, num_heads: usize) -> Result<(), SettingError> {
    require(
        "num_heads",
        hidden_size.is_multiple_of(num_heads),
        format!("is {num_heads}, which does not divide hidden_size {hidden_size}"),
    )?;
    let head_dim = hidden_size / num_heads;
    require(
        "num_heads",
        head_dim.is_multiple_of(2),
        format!(
            "is {num_heads}, which makes heads {head_dim} wide; rotary positions need an even width"
        ),
    )
}

fn require(key: &str, holds: bool, problem: String) -> Result<(), SettingError> {
    if holds { Ok(()) } else { Err(SettingError::Value { key: key.into(), problem }) }
}

fn in_range(key: &str, value: f64, low: f64, high: f64) -> Result<(), SettingError> {
    require(
        key,
        value.is_finite() && (low..=high).contains(&value),
        format!("is {value}, but must lie between {low} and {high}"),
    )
}
