//! Checks of requests that runs of every family share.

use burn::tensor::{Device, FloatDType};
use trm_spec::{Failure, FailureKind, MAX_DEPTH, Precision, VariantSpec};

/// Depth as asked for, checked.
///
/// # Errors
/// If it is 0 or absurdly large.
pub(crate) fn check_depth(depth: usize) -> Result<usize, Failure> {
    if (1..=MAX_DEPTH).contains(&depth) {
        return Ok(depth);
    }
    Err(Failure::new(
        FailureKind::Config,
        format!("depth {depth} is out of range"),
        format!("Choose a depth from 1 to {MAX_DEPTH}."),
    ))
}

/// [`check_depth`] of a model: one without a recursion has only its own.
///
/// # Errors
/// As of `check_depth`, and if the model has no recursion and another depth is asked for.
pub(crate) fn check_model_depth(model: &VariantSpec, depth: usize) -> Result<usize, Failure> {
    if model.depth_key().is_none() && depth != model.depth() {
        return Err(Failure::new(
            FailureKind::Config,
            format!(
                "a `{}` model has no recursion, so that its depth is 1, not {depth}",
                model.name()
            ),
            "Leave the depth out.",
        ));
    }
    check_depth(depth)
}

/// The type of matrix products in training, where it is not f32.
pub(crate) fn half(precision: Precision) -> Option<FloatDType> {
    match precision {
        Precision::F32 => None,
        Precision::Bf16 => Some(FloatDType::BF16),
        Precision::F16 => Some(FloatDType::F16),
    }
}

/// Checks that `device` can train in `precision`.
///
/// # Errors
/// If it does not compute in that type.
pub(crate) fn check_precision(precision: Precision, device: &Device) -> Result<(), Failure> {
    match half(precision) {
        Some(dtype) if !device.supports_dtype(dtype) => Err(Failure::new(
            FailureKind::Config,
            format!("this device does not compute in {dtype:?}"),
            "Set precision to f32, or choose another device.",
        )),
        _ => Ok(()),
    }
}

/// Checks that tokens are of the vocabulary, which has `size` of them.
///
/// # Errors
/// Names the first token outside it.
pub(crate) fn check_tokens<'a>(
    tokens: impl IntoIterator<Item = &'a u32>,
    size: usize,
) -> Result<(), Failure> {
    match tokens.into_iter().find(|token| **token as usize >= size) {
        None => Ok(()),
        Some(token) => Err(Failure::new(
            FailureKind::Prompt,
            format!("token {token} is outside the vocabulary of {size}"),
            format!("Give tokens from 0 to {}.", size - 1),
        )),
    }
}
