//! Checks of single values.

use crate::SettingError;

/// Largest single size.
pub(crate) const MAX_SIZE: usize = 1 << 24;

pub(crate) fn sizes(all: &[(&'static str, usize)]) -> Result<(), SettingError> {
    for &(key, value) in all {
        require(key, value >= 1, format!("is {value}, but must be at least 1"))?;
        require(key, value <= MAX_SIZE, format!("is {value}, which is absurdly large"))?;
    }
    Ok(())
}

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
