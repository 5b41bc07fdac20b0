//! How a model is trained.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

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
    /// Poisson around a log-normal rate with mean `recursion_steps`, from
    /// `min_depth` to four times the mean (recurrent depth, arXiv 2502.05171).
    LogNormal,
}

/// What turns gradients into updates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Optimizer {
    #[default]
    Adamw,
    /// Momentum made orthogonal for the matrices inside the blocks, scaled to
    /// AdamW's step size (arXiv 2502.16982); AdamW for everything else.
    Muon,
    /// AdamW whose step is `atan2(m, √v)`, bounded and without epsilon
    /// (arXiv 2407.05872), as the official TRM is trained.
    AdamAtan2,
}

/// How logits become a probability in the loss.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum LossType {
    #[default]
    Softmax,
    /// `s(x) / Σ s` with `s(x) = x + 1` from 0 on and `1 / (1 − x)` below
    /// (arXiv 2501.04697; official TRM).
    Stablemax,
}

/// What one update of a dual-state model looks at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Supervision {
    /// One supervision step; the states are carried on to the next update, and
    /// a puzzle whose halting head says so makes room for a new one (official).
    #[default]
    Carry,
    /// All supervision steps on the same puzzles from the beginning, with the
    /// weighted mean of their losses; each step is cut off from the one before.
    Unrolled,
}

/// Where a language model is asked for the next token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Prediction {
    /// After every token of a row.
    #[default]
    EveryPosition,
    /// After the last token only of rows of drawn lengths, padded to one (TRM-LM).
    LastPosition,
}

/// What the matrix products of linear maps compute in while training. Weights,
/// everything between the products, and evaluation stay in 32 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    #[default]
    F32,
    Bf16,
    F16,
}

/// How the model is trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(default, deny_unknown_fields)]
pub struct TrainSpec {
    /// Sequences in a batch.
    pub batch_size: usize,
    /// Batches whose gradients are averaged into one update.
    pub gradient_accumulation_steps: usize,
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
    pub optimizer: Optimizer,
    pub beta1: f64,
    pub beta2: f64,
    /// Added to the root of the second moment in AdamW.
    pub adam_eps: f64,
    pub weight_decay: f64,
    pub decay: Decay,
    pub loss_type: LossType,
    pub supervision: Supervision,
    /// What the halting head's loss counts beside the answer's.
    pub halt_loss_weight: f64,
    /// Share of the rows that must run a drawn number of steps before they halt.
    pub halt_exploration_prob: f64,
    /// Learning rate of the puzzle embedding, which sign descent trains.
    pub puzzle_emb_lr: f64,
    pub puzzle_emb_weight_decay: f64,
    /// Momentum of Muon.
    pub muon_momentum: f64,
    /// Decay of the moving average of the weights, which is then what is
    /// evaluated and kept as the best; 0 keeps none.
    pub ema_decay: f64,
    /// Largest global gradient norm; 0 turns clipping off.
    pub grad_clip: f64,
    pub precision: Precision,
    /// Compute the cycles again in the backward pass instead of keeping what
    /// they computed: less memory for about a third more time.
    pub gradient_checkpointing: bool,
    pub objective: Objective,
    /// Weights of the cycles under `every_cycle`, or of the supervision steps
    /// under `unrolled`, first one first; empty means equal. Normalised to sum
    /// to one over those that ran.
    pub cycle_weights: Vec<f64>,
    pub depth_sampling: DepthSampling,
    /// Smallest depth that is drawn.
    pub min_depth: usize,
    /// Last cycles that leave a gradient; 0 means all of them.
    pub backprop_cycles: usize,
    /// Cut the gradient between cycles, so that each learns from its own loss.
    pub detach_cycles: bool,
    pub prediction: Prediction,
    /// Steps between validations.
    pub eval_interval: usize,
    /// Steps between saved states; 0 saves with every validation.
    pub save_interval: usize,
    /// Batches in one validation estimate; 0 means the whole split.
    pub eval_iters: usize,
    /// Best checkpoints that are kept.
    pub save_top_k: usize,
    /// Validations in a row without a new best before training stops; 0 means
    /// it never does.
    pub early_stopping_patience: usize,
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
            gradient_accumulation_steps: 1,
            max_iters: 5000,
            learning_rate: 1e-3,
            min_lr: 1e-4,
            lr_schedule: Schedule::Cosine,
            warmup_iters: 100,
            lr_decay_iters: 0,
            optimizer: Optimizer::Adamw,
            beta1: 0.9,
            beta2: 0.99,
            adam_eps: 1e-8,
            weight_decay: 0.1,
            decay: Decay::Matrices,
            loss_type: LossType::Softmax,
            supervision: Supervision::Carry,
            halt_loss_weight: 0.5,
            halt_exploration_prob: 0.1,
            puzzle_emb_lr: 1e-2,
            puzzle_emb_weight_decay: 0.1,
            muon_momentum: 0.95,
            ema_decay: 0.0,
            grad_clip: 1.0,
            precision: Precision::F32,
            gradient_checkpointing: false,
            objective: Objective::LastCycle,
            cycle_weights: Vec::new(),
            depth_sampling: DepthSampling::Fixed,
            min_depth: 1,
            backprop_cycles: 0,
            detach_cycles: false,
            prediction: Prediction::EveryPosition,
            eval_interval: 250,
            save_interval: 0,
            eval_iters: 200,
            save_top_k: 1,
            early_stopping_patience: 0,
            log_interval: 10,
            sample_interval: 0,
            seed: 1337,
        }
    }
}
