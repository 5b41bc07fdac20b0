//! The whole configuration of a run. A preset in `configs/` is this, as TOML.
//!
//! Names are nanoGPT's and Chat-TRM's where they have one. Checking happens in
//! [`RunConfig::validate`], before anything is allocated.

mod causal;
mod data;
mod flops;
mod train;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::SettingError;
pub use causal::{CausalSpec, Injection, StateUpdate};
pub use data::{DataSpec, Sampling, Tokenizer};
pub use train::{Decay, DepthSampling, Objective, Optimizer, Precision, Schedule, TrainSpec};

/// A run: which model, on which text, trained how.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS)]
#[serde(default, deny_unknown_fields)]
pub struct RunConfig {
    pub model: VariantSpec,
    pub data: DataSpec,
    pub train: TrainSpec,
}

/// The model, by variant. Only the trainer's registry matches on this.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "variant", rename_all = "snake_case")]
pub enum VariantSpec {
    /// Causal single-state language model (Chat-TRM).
    Causal(CausalSpec),
}

impl Default for VariantSpec {
    fn default() -> Self {
        Self::Causal(CausalSpec::default())
    }
}

impl VariantSpec {
    /// The name under which configurations and checkpoints know the variant.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Causal(_) => "causal",
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
        let VariantSpec::Causal(model) = &self.model;
        let train = &self.train;
        for (key, value) in [
            ("hidden_size", model.hidden_size),
            ("num_heads", model.num_heads),
            ("n_layers", model.n_layers),
            ("recursion_steps", model.recursion_steps),
            ("block_size", model.block_size),
            ("batch_size", train.batch_size),
            ("max_iters", train.max_iters),
            ("eval_interval", train.eval_interval),
            ("log_interval", train.log_interval),
            ("min_depth", train.min_depth),
            ("gradient_accumulation_steps", train.gradient_accumulation_steps),
            ("save_top_k", train.save_top_k),
        ] {
            require(key, value >= 1, format!("is {value}, but must be at least 1"))?;
            require(key, value <= 1 << 24, format!("is {value}, which is absurdly large"))?;
        }
        require(
            "num_heads",
            model.hidden_size.is_multiple_of(model.num_heads),
            format!(
                "is {}, which does not divide hidden_size {}",
                model.num_heads, model.hidden_size
            ),
        )?;
        require(
            "num_heads",
            model.head_dim().is_multiple_of(2),
            format!(
                "is {}, which makes heads {} wide; rotary positions need an even width",
                model.num_heads,
                model.head_dim()
            ),
        )?;
        in_range("expansion", model.expansion, 0.01, 64.0)?;
        in_range("dropout", model.dropout, 0.0, 0.95)?;
        in_range("rms_norm_eps", model.rms_norm_eps, 0.0, 1.0)?;
        in_range("rope_theta", model.rope_theta, 1.0, 1e9)?;
        require(
            "hidden_size",
            model.parameters(0) <= MAX_PARAMETERS,
            format!("makes a model of {} parameters, more than 2^30", model.parameters(0)),
        )?;
        in_range("val_fraction", self.data.val_fraction, 0.0, 0.9)?;
        in_range("learning_rate", train.learning_rate, 0.0, 10.0)?;
        in_range("min_lr", train.min_lr, 0.0, 10.0)?;
        in_range("beta1", train.beta1, 0.0, 0.999_999)?;
        in_range("beta2", train.beta2, 0.0, 0.999_999)?;
        in_range("adam_eps", train.adam_eps, 1e-30, 1.0)?;
        in_range("weight_decay", train.weight_decay, 0.0, 10.0)?;
        in_range("muon_momentum", train.muon_momentum, 0.0, 0.999_999)?;
        in_range("ema_decay", train.ema_decay, 0.0, 0.999_999_9)?;
        in_range("grad_clip", train.grad_clip, 0.0, 1e9)?;
        require(
            "seed",
            train.seed <= MAX_SEED,
            format!("is {}, but must be below 2^53", train.seed),
        )?;
        require(
            "min_depth",
            train.min_depth <= model.recursion_steps,
            format!("is {}, more than recursion_steps {}", train.min_depth, model.recursion_steps),
        )?;
        require(
            "cycle_weights",
            train.cycle_weights.is_empty() || train.cycle_weights.len() == model.recursion_steps,
            format!(
                "has {} weights for {} recursion_steps",
                train.cycle_weights.len(),
                model.recursion_steps
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
