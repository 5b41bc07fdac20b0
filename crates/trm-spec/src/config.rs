//! The whole configuration of a run. A preset in `configs/` is this, as TOML.
//!
//! Names are nanoGPT's and Chat-TRM's where they have one. Checking happens in
//! [`RunConfig::validate`], before anything is allocated.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::SettingError;

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

/// Sizes of the causal single-state model. Defaults are Chat-TRM's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(default, deny_unknown_fields)]
pub struct CausalSpec {
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
}

impl Default for CausalSpec {
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
        }
    }
}

impl CausalSpec {
    /// Features of one head.
    pub fn head_dim(&self) -> usize {
        self.hidden_size / self.num_heads
    }

    /// Inner width of the SwiGLU (512 → 1536 and 96 → 256 at expansion 4).
    pub fn inner_size(&self) -> usize {
        let wanted = (self.expansion * self.hidden_size as f64 * 2.0 / 3.0).round() as usize;
        wanted.div_ceil(256) * 256
    }

    /// Trainable parameters with `vocab_size` tokens; the largest number there
    /// is when the true one is beyond it.
    pub fn parameters(&self, vocab_size: usize) -> usize {
        // Sizes that were not checked yet must not wrap around, least of all in 32 bits.
        let wide = |size: usize| size as u128;
        let (d, inner) = (wide(self.hidden_size), wide(self.inner_size()));
        let block = 4 * d * d + 3 * d * inner;
        let whole = d + 2 * wide(vocab_size) * d + wide(self.n_layers).saturating_mul(block);
        usize::try_from(whole).unwrap_or(usize::MAX)
    }
}

/// Where the text comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(default, deny_unknown_fields)]
pub struct DataSpec {
    /// `shakespeare`, or the name of the user's own text.
    pub dataset: String,
    /// The last share of the text, kept for validation.
    pub val_fraction: f64,
}

impl Default for DataSpec {
    fn default() -> Self {
        Self { dataset: "shakespeare".into(), val_fraction: 0.1 }
    }
}

/// Learning-rate schedule after the warmup.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Schedule {
    /// Cosine from `learning_rate` to `min_lr` at `lr_decay_iters` (nanoGPT).
    #[default]
    Cosine,
    Constant,
}

/// Which parameters weight decay shrinks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Decay {
    /// Parameters of two or more dimensions (nanoGPT).
    #[default]
    Matrices,
    /// Every parameter, the initial state included (Chat-TRM).
    All,
}

/// Which readouts the loss looks at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Objective {
    /// The last cycle only (Chat-TRM). Depths other than the trained one are useless.
    #[default]
    LastCycle,
    /// The weighted mean over all cycles, so that every depth is a usable model.
    EveryCycle,
}

/// How many cycles one training step runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum DepthSampling {
    /// Always `recursion_steps`.
    #[default]
    Fixed,
    /// Uniform from `min_depth` to `recursion_steps`, drawn for every batch.
    Uniform,
}

/// How the model is trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(default, deny_unknown_fields)]
pub struct TrainSpec {
    /// Sequences in a batch.
    pub batch_size: usize,
    /// Steps of the whole run.
    pub max_iters: usize,
    /// Peak learning rate.
    pub learning_rate: f64,
    /// Learning rate at the end of a cosine schedule.
    pub min_lr: f64,
    pub lr_schedule: Schedule,
    /// Steps of linear warmup.
    pub warmup_iters: usize,
    /// Step at which the cosine reaches `min_lr`; 0 means `max_iters`.
    pub lr_decay_iters: usize,
    pub beta1: f64,
    pub beta2: f64,
    /// Added to the root of the second moment in AdamW.
    pub adam_eps: f64,
    pub weight_decay: f64,
    pub decay: Decay,
    /// Largest global gradient norm; 0 turns clipping off.
    pub grad_clip: f64,
    pub objective: Objective,
    /// Weights of the cycles under `every_cycle`, first cycle first; empty
    /// means equal. Normalised to sum to one over the cycles that ran.
    pub cycle_weights: Vec<f64>,
    pub depth_sampling: DepthSampling,
    /// Smallest depth that `uniform` draws.
    pub min_depth: usize,
    /// Steps between validations.
    pub eval_interval: usize,
    /// Batches in one validation estimate; 0 means the whole split.
    pub eval_iters: usize,
    /// Steps between progress lines.
    pub log_interval: usize,
    /// Steps between printed samples; 0 prints none.
    pub sample_interval: usize,
    /// Seed of the initial weights, the batches, the depths and dropout.
    pub seed: u64,
}

impl Default for TrainSpec {
    fn default() -> Self {
        Self {
            batch_size: 64,
            max_iters: 5000,
            learning_rate: 1e-3,
            min_lr: 1e-4,
            lr_schedule: Schedule::Cosine,
            warmup_iters: 100,
            lr_decay_iters: 0,
            beta1: 0.9,
            beta2: 0.99,
            adam_eps: 1e-8,
            weight_decay: 0.1,
            decay: Decay::Matrices,
            grad_clip: 1.0,
            objective: Objective::LastCycle,
            cycle_weights: Vec::new(),
            depth_sampling: DepthSampling::Fixed,
            min_depth: 1,
            eval_interval: 250,
            eval_iters: 200,
            log_interval: 10,
            sample_interval: 0,
            seed: 1337,
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
