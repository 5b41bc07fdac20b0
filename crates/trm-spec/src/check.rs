//! Checks of single values.

use crate::SettingError;

/// Largest single size: a larger one is a typing error.
pub(crate) const MAX_SIZE: usize = 1 << 24;

pub(crate) fn require(key: &str, holds: bool, problem: String) -> Result<(), SettingError> {
    if holds { Ok(()) } else { Err(SettingError::Value { key: key.into(), problem }) }
}

pub(crate) fn in_range(key: &str, value: f64, low: f64, high: f64) -> Result<(), SettingError> {
    require(
        key,
        value.is_finite() && (low..=high).contains(&value),
        format!("is {value}, but must lie between {low} and {high}"),
    )
}
