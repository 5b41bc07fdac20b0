//! Checks of requests that runs of every family share.

use burn::tensor::{Device, FloatDType};
use trm_spec::{Failure, FailureKind, MAX_DEPTH, Precision, VariantSpec};

use crate::memory::shown_bytes;

/// Most bytes of the tables that a model computes from its sizes. A context of a million
/// tokens with heads of 128 features takes half of it.
const MOST_TABLE_BYTES: u64 = 1 << 30;

/// Checks the [tables](trm_spec::ModelSpec::table_bytes) of a model that a file describes,
/// before they are allocated.
///
/// # Errors
/// Says how large they would be.
pub(crate) fn check_tables(bytes: u64) -> Result<(), String> {
    if bytes <= MOST_TABLE_BYTES {
        return Ok(());
    }
    Err(format!(
        "its context length and width of a head make tables of {}, more than {}",
        shown_bytes(bytes as f64),
        shown_bytes(MOST_TABLE_BYTES as f64)
    ))
}

/// Depth as asked for, checked.
///
/// # Errors
/// If it is 0 or absurdly large.
pub(crate) fn check_depth(depth: usize) -> Result<usize, Failure> {
    check_depth_from(1, depth)
}

/// [`check_depth`] where the smallest depth is `least`.
///
/// # Errors
/// If it is smaller or absurdly large.
pub(crate) fn check_depth_from(least: usize, depth: usize) -> Result<usize, Failure> {
    if (least..=MAX_DEPTH).contains(&depth) {
        return Ok(depth);
    }
    Err(Failure::new(
        FailureKind::Config,
        format!("depth {depth} is out of range"),
        format!("Choose a depth from {least} to {MAX_DEPTH}."),
    ))
}

/// [`check_depth`] of a model: one without a recursion has only its own.
///
/// # Errors
/// As of `check_depth`, and if the model has no recursion and another depth is asked for.
pub(crate) fn check_model_depth(model: &VariantSpec, depth: usize) -> Result<usize, Failure> {
    check_model_depth_from(model, 1, depth)
}

/// [`check_model_depth`] where the smallest depth of a recursion is `least`.
///
/// # Errors
/// As of `check_model_depth`.
pub(crate) fn check_model_depth_from(
    model: &VariantSpec,
    least: usize,
    depth: usize,
) -> Result<usize, Failure> {
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
    check_depth_from(least, depth)
}

/// Checks the temperature of sampling.
///
/// # Errors
/// If it is negative or no number.
pub(crate) fn check_temperature(temperature: f64) -> Result<(), Failure> {
    if temperature.is_finite() && temperature >= 0.0 {
        return Ok(());
    }
    Err(Failure::new(
        FailureKind::Config,
        format!("temperature {temperature} cannot be used"),
        "Choose 0 for the most probable text, or a number up to about 2.",
    ))
}

/// The type of matrix products in training, where it is not f32.
pub(crate) fn half(precision: Precision) -> Option<FloatDType> {
    match precision {
        Precision::F32 => None,
        Precision::Bf16 => Some(FloatDType::BF16),
        Precision::F16 => Some(FloatDType::F16),
    }
}

/// Largest [`loss_scale`]. In a mean over a million terms each gradient is then about 1/256, far
/// above the smallest numbers of half precision.
const MAX_LOSS_SCALE: usize = 4096;

/// The number by which the mean of `terms` losses is multiplied in training.
///
/// In half precision the gradient of one of many terms would vanish; in their sum it lies
/// around one. The scale is bounded, since the gradient of a weight adds up over all terms:
/// with the sum of a large batch it would exceed 65504, the largest number of that precision.
pub(crate) fn loss_scale(precision: Precision, terms: usize) -> f64 {
    match precision {
        Precision::F16 => terms.min(MAX_LOSS_SCALE) as f64,
        Precision::F32 | Precision::Bf16 => 1.0,
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
            match size.checked_sub(1) {
                Some(last) => format!("Give tokens from 0 to {last}."),
                None => "Give no tokens: this model has none.".into(),
            },
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_token_belongs_to_an_empty_vocabulary() {
        check_tokens(&[], 0).expect("no token");
        let failure = check_tokens(&[0], 0).expect_err("one token");
        assert_eq!(failure.kind, FailureKind::Prompt);
        assert!(failure.message.contains("vocabulary of 0"), "{failure}");
    }

    #[test]
    fn depths_begin_where_a_model_begins() {
        assert_eq!(check_depth_from(0, 0), Ok(0));
        assert_eq!(check_depth(MAX_DEPTH), Ok(MAX_DEPTH));
        for depth in [0, MAX_DEPTH + 1, usize::MAX] {
            assert_eq!(check_depth(depth).expect_err("refused").kind, FailureKind::Config);
        }
    }

    #[test]
    fn the_loss_scale_is_the_number_of_terms_up_to_a_bound() {
        for (terms, scale) in [(1, 1.0), (162, 162.0), (4096, 4096.0), (768 * 81, 4096.0)] {
            assert_eq!(loss_scale(Precision::F16, terms), scale, "{terms} terms");
            // The exponent of these is as wide as that of the weights.
            assert_eq!(loss_scale(Precision::F32, terms), 1.0);
            assert_eq!(loss_scale(Precision::Bf16, terms), 1.0);
        }
    }

    #[test]
    fn tables_of_long_contexts_are_allowed_up_to_a_gibibyte() {
        // 131,072 tokens with heads of 128 features.
        check_tables(4 * 131_072 * 128).expect("a usual model");
        check_tables(MOST_TABLE_BYTES).expect("at most so many");
        let reason = check_tables(MOST_TABLE_BYTES + 1).expect_err("one more");
        assert!(reason.contains("1.1 GB"), "{reason}");
        assert!(check_tables(u64::MAX).is_err());
    }
}
