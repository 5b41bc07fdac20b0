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
    /// `learning_rate` throughout.
    Constant,
}

/// Parameters with weight decay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Decay {
    /// Parameters of two or more dimensions (nanoGPT).
    #[default]
    Matrices,
    /// Every parameter, the initial state included (Chat-TRM).
    All,
}

/// The readouts that the loss includes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Objective {
    /// The last cycle only (Chat-TRM). The model is then usable at the trained depth only.
    #[default]
    LastCycle,
    /// The weighted mean over all cycles, so that every depth is a usable model.
    EveryCycle,
}

/// Largest depth that a model is trained or run at.
pub const MAX_DEPTH: usize = 1024;

/// How many times the trained depth [`DepthSampling::LogNormal`] draws at most.
pub const MAX_SAMPLED: usize = 4;

/// How the depth of a training step is chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum DepthSampling {
    /// Always `recursion_steps`.
    #[default]
    Fixed,
    /// Uniform from `min_depth` to `recursion_steps`, drawn for every update.
    Uniform,
    /// Poisson around a log-normal rate with mean `recursion_steps`, from
    /// `min_depth` to four times the mean (recurrent depth, arXiv 2502.05171).
    LogNormal,
}

/// The optimizer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Optimizer {
    /// AdamW with decoupled weight decay.
    #[default]
    Adamw,
    /// Orthogonalized momentum for the matrices inside the blocks, scaled to AdamW's
    /// step size (arXiv 2502.16982); AdamW for everything else.
    Muon,
    /// AdamW with the step `atan2(m, √v)`, bounded and without epsilon
    /// (arXiv 2407.05872); the optimizer of the official TRM.
    AdamAtan2,
}

/// How the loss turns logits into probabilities.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum LossType {
    /// `exp(x) / Σ exp`.
    #[default]
    Softmax,
    /// `s(x) / Σ s` with `s(x) = x + 1` for `x ≥ 0` and `1 / (1 − x)` below
    /// (arXiv 2501.04697; official TRM).
    Stablemax,
}

/// The supervision steps of a puzzle model in one update.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Supervision {
    /// One supervision step. The states are carried to the next update, and a puzzle
    /// that halts is replaced by a new one (official TRM).
    #[default]
    Carry,
    /// All supervision steps of the same puzzles, with the weighted mean of their losses
    /// and no gradient between steps.
    Unrolled,
}

/// The positions at which a language model predicts the next token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Prediction {
    /// After every token of a row.
    #[default]
    EveryPosition,
    /// After the last token only, of rows of random length padded to one (TRM-LM).
    LastPosition,
}

/// Precision of the matrix products of linear maps in training. Weights, everything
/// between the products, and evaluation stay in 32 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// 32-bit floating point.
    #[default]
    F32,
    /// bfloat16.
    Bf16,
    /// 16-bit floating point.
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
    /// Learning rate after the warmup.
    pub lr_schedule: Schedule,
    /// Steps of linear warmup.
    pub warmup_iters: usize,
    /// Step at which the cosine reaches `min_lr`; 0 means `max_iters`.
    pub lr_decay_iters: usize,
    /// The optimizer.
    pub optimizer: Optimizer,
    /// Decay rate of the first moment in AdamW.
    pub beta1: f64,
    /// Decay rate of the second moment in AdamW.
    pub beta2: f64,
    /// Added to the root of the second moment in AdamW.
    pub adam_eps: f64,
    /// Decoupled weight decay.
    pub weight_decay: f64,
    /// Parameters with weight decay.
    pub decay: Decay,
    /// How the loss turns logits into probabilities.
    pub loss_type: LossType,
    /// The supervision steps of a puzzle model in one update.
    pub supervision: Supervision,
    /// Weight of the halting loss; the loss of the answer has weight 1.
    pub halt_loss_weight: f64,
    /// Probability, drawn for each puzzle at each supervision step, that it may not halt before
    /// a random number of steps (the official `halt_exploration_prob`).
    pub halt_exploration_prob: f64,
    /// Learning rate of the puzzle embedding, which is trained by SignSGD.
    pub puzzle_emb_lr: f64,
    /// Weight decay of the puzzle embedding.
    pub puzzle_emb_weight_decay: f64,
    /// Momentum of Muon.
    pub muon_momentum: f64,
    /// Decay rate of the moving average of the weights, which is then evaluated and
    /// saved as the best checkpoint; 0 disables it.
    pub ema_decay: f64,
    /// Maximum global gradient norm; 0 disables clipping.
    pub grad_clip: f64,
    /// Precision of matrix products.
    pub precision: Precision,
    /// Recompute the cycles in the backward pass instead of storing their activations:
    /// less memory for about a third more time.
    pub gradient_checkpointing: bool,
    /// The readouts that the loss includes.
    pub objective: Objective,
    /// Loss weights of the cycles under `every_cycle`, or of the supervision steps under
    /// `unrolled` and of question models, the first one first. Empty means equal; of question
    /// models 1, 2, 3 and so on, since only the last steps can know much. Normalized to sum to one over
    /// those that ran.
    pub cycle_weights: Vec<f64>,
    /// How the depth of a training step is chosen.
    pub depth_sampling: DepthSampling,
    /// Minimum sampled depth.
    pub min_depth: usize,
    /// Number of last cycles with a gradient; 0 means all.
    pub backprop_cycles: usize,
    /// Stop the gradient between cycles, so that each learns from its own loss.
    pub detach_cycles: bool,
    /// The positions at which a language model predicts the next token.
    pub prediction: Prediction,
    /// Steps between validations.
    pub eval_interval: usize,
    /// Steps between saved states; 0 saves with every validation.
    pub save_interval: usize,
    /// Batches in a validation; 0 means the whole split.
    pub eval_iters: usize,
    /// Number of best checkpoints to keep.
    pub save_top_k: usize,
    /// Validations in a row without improvement before training stops; 0 disables early
    /// stopping.
    pub early_stopping_patience: usize,
    /// Steps between progress lines.
    pub log_interval: usize,
    /// Steps between printed samples; 0 disables them.
    pub sample_interval: usize,
    /// Random seed of the initial weights, the batches, the depths and dropout.
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
