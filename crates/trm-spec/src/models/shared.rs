//! What several models have in common: derived sizes, and checks of them.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::memory::cycles_back;
use crate::check::require;
use crate::{DepthSampling, LossType, ModelSpec, Prediction, SettingError, TrainSpec};

/// Initial values of the two states of a model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum StateStart {
    /// Two vectors that are drawn once and never trained (official TRM).
    #[default]
    Normal,
    /// Zeros.
    Zero,
    /// Two trained vectors. Not where no gradient reaches the start of the states: in puzzle
    /// models, and where the first cycle never records gradients.
    Learned,
}

/// Inner width of a SwiGLU over `width` features: `expansion · width · 2/3`, rounded up
/// to a multiple of 256 (512 → 1536 and 96 → 256 at expansion 4).
pub fn inner_size(expansion: f64, width: usize) -> usize {
    let wanted = (expansion * width as f64 * 2.0 / 3.0).round() as usize;
    wanted.div_ceil(256).saturating_mul(256)
}

/// Weights of one transformer block: attention and SwiGLU. In 128 bits, so that sizes
/// that were not checked yet do not overflow.
pub fn block_parameters(hidden_size: usize, inner_size: usize) -> u128 {
    let (d, inner) = (hidden_size as u128, inner_size as u128);
    4 * d * d + 3 * d * inner
}

/// A number of parameters as `usize`; the largest there is if it is beyond that.
pub fn narrowed(parameters: u128) -> usize {
    usize::try_from(parameters).unwrap_or(usize::MAX)
}

/// Bytes of a rotary table of so many positions: a cosine and a sine for each pair of features
/// of a head, in f32. Saturates.
pub fn rotary_table(positions: usize, [hidden_size, num_heads]: [usize; 2]) -> u64 {
    // Sizes may not have been checked yet.
    let head_dim = hidden_size / num_heads.max(1);
    4_u64.saturating_mul(positions as u64).saturating_mul(head_dim as u64)
}

/// Checks what holds for every language model.
pub fn language(spec: &impl ModelSpec, train: &TrainSpec) -> Result<(), SettingError> {
    let depth = spec.depth();
    require(
        "min_depth",
        train.min_depth <= depth,
        format!("is {}, more than recursion_steps {depth}", train.min_depth),
    )?;
    require(
        "depth_sampling",
        train.depth_sampling == DepthSampling::Fixed || has_recursion(spec),
        "must be fixed: this model has no recursion".into(),
    )?;
    require(
        "loss_type",
        train.loss_type == LossType::Softmax,
        "is stablemax, which only puzzle models are trained with".into(),
    )?;
    require(
        "detach_cycles",
        !train.detach_cycles || train.backprop_cycles == 0,
        "cuts every cycle off from the one before, so that backprop_cycles must be 0".into(),
    )
}

/// Checks that a learned start of the states is trained: a gradient reaches it only where the
/// first cycle records gradients, at the smallest depth of a training step if at any.
pub fn state_start(
    spec: &impl ModelSpec,
    start: StateStart,
    train: &TrainSpec,
) -> Result<(), SettingError> {
    let least = match train.depth_sampling {
        DepthSampling::Fixed => spec.depth(),
        DepthSampling::Uniform | DepthSampling::LogNormal => train.min_depth,
    };
    let kept = cycles_back(least, train);
    require(
        "state_start",
        start != StateStart::Learned || kept >= least,
        format!(
            "is learned, but no gradient reaches the start of the states: only the last {kept} \
             of at least {least} cycles have a gradient (backprop_cycles, detach_cycles); choose \
             normal or zero, or backprop_cycles 0 without detach_cycles"
        ),
    )
}

fn has_recursion<S: ModelSpec>(_: &S) -> bool {
    S::DEPTH_KEY.is_some()
}

/// Checks that `num_heads` divides `hidden_size` into heads of an even width.
pub fn heads(hidden_size: usize, num_heads: usize) -> Result<(), SettingError> {
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

/// Checks what holds for every image classifier.
pub fn images([image_size, patch_size]: [usize; 2], train: &TrainSpec) -> Result<(), SettingError> {
    require(
        "patch_size",
        image_size.is_multiple_of(patch_size),
        format!("is {patch_size}, which does not divide image_size {image_size}"),
    )?;
    no_language_settings(
        train,
        [
            "is for language models",
            "must be fixed for image models",
            "is for language models; an image has one class",
        ],
    )
}

/// Refuses the training settings that only language or puzzle models have. The reasons are
/// those for `gradient_checkpointing`, `depth_sampling` and `prediction`.
pub fn no_language_settings(
    train: &TrainSpec,
    [checkpointing, depth_sampling, prediction]: [&str; 3],
) -> Result<(), SettingError> {
    require(
        "loss_type",
        train.loss_type == LossType::Softmax,
        "is stablemax, which only puzzle models are trained with".into(),
    )?;
    require("gradient_checkpointing", !train.gradient_checkpointing, checkpointing.into())?;
    require("depth_sampling", train.depth_sampling == DepthSampling::Fixed, depth_sampling.into())?;
    require("detach_cycles", !train.detach_cycles, "is for language models".into())?;
    require("prediction", train.prediction == Prediction::EveryPosition, prediction.into())
}
