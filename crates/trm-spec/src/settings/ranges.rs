//! The ranges of the table are kept.

use std::slice::from_ref;

use serde::Serialize;
use serde_json::Value;

use super::{Setting, SettingError, SettingKind};

/// Checks that each of `settings` has a value in its range. `values` holds them by key.
pub(crate) fn ranges(settings: &[Setting], values: &impl Serialize) -> Result<(), SettingError> {
    let values = serde_json::to_value(values).unwrap_or_default();
    for setting in settings {
        let value = &values[setting.key];
        for number in value.as_array().map_or(from_ref(value), Vec::as_slice) {
            if let Some(problem) = problem(setting, number) {
                return Err(SettingError::Value { key: setting.key.into(), problem });
            }
        }
    }
    Ok(())
}

/// Why a number is out of the range of a setting, if it is.
fn problem(setting: &Setting, number: &Value) -> Option<String> {
    let [lowest, highest] = setting.range?;
    let Some(found) = number.as_f64() else {
        // JSON has null in place of a number that is not finite.
        return Some("is not a finite number".into());
    };
    if (lowest..=highest).contains(&found) {
        return None;
    }
    Some(match setting.kind {
        // A whole number above 2^53 is shown as it is, not as it is rounded.
        SettingKind::Integer if found < lowest => {
            format!("is {number}, but must be at least {lowest}")
        }
        SettingKind::Integer => format!("is {number}, but must be at most {highest}"),
        _ => format!("is {found}, but must lie between {lowest} and {highest}"),
    })
}
