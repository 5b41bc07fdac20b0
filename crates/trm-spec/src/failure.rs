//! Errors with an explanation and a hint for the user.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// The kind of a failure, so that a page can react to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// A setting cannot be used.
    Config,
    /// The data cannot be used.
    #[serde(alias = "corpus")]
    Data,
    /// The prompt cannot be used.
    Prompt,
    /// The checkpoint cannot be used.
    Checkpoint,
    /// The puzzle cannot be used.
    Puzzle,
    /// The image cannot be used.
    Image,
    /// A frozen base is missing, or it is another one.
    Base,
    /// The model is of a family that this module does not hold: each family comes as
    /// a module of its own.
    #[serde(alias = "room")]
    Family,
    /// The device is missing or was lost.
    Device,
    /// The loss stopped being a number.
    Diverged,
    /// A command came where none was expected.
    Protocol,
}

/// An error with what to do next. `message` says what is wrong, `hint` what to try.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// What kind of failure it is.
    pub kind: FailureKind,
    /// What is wrong, as a sentence without a full stop.
    pub message: String,
    /// What to do about it, as a whole sentence.
    pub hint: String,
}

impl Failure {
    /// A failure of a kind.
    pub fn new(kind: FailureKind, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: hint.into() }
    }
}

impl From<crate::SettingError> for Failure {
    fn from(error: crate::SettingError) -> Self {
        let hint = match error {
            crate::SettingError::Settled { .. } => "Start a new run with it.",
            _ => "Change the setting and try again.",
        };
        Self::new(FailureKind::Config, error.to_string(), hint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_read_under_their_old_names() {
        for (text, kind) in [
            ("\"corpus\"", FailureKind::Data),
            ("\"data\"", FailureKind::Data),
            ("\"room\"", FailureKind::Family),
            ("\"family\"", FailureKind::Family),
        ] {
            assert_eq!(serde_json::from_str::<FailureKind>(text).expect("a kind"), kind);
        }
    }
}
