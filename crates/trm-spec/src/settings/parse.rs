//! Reading the values of settings as people type them.

use std::num::IntErrorKind;

use serde_json::Value;

use super::{Setting, SettingError, SettingKind};

impl Setting {
    /// The present word for `word`, which may be an earlier one.
    pub(super) fn present<'a>(&self, word: &'a str) -> &'a str {
        self.aliases.iter().find(|(old, _)| *old == word).map_or(word, |(_, present)| present)
    }

    /// What a whole number of this setting may be, in words.
    pub(super) fn whole_number(&self) -> String {
        format!("a whole number from {}", self.range.map_or(0.0, |[lowest, _]| lowest))
    }

    /// Reads a value as it was typed on a command line or in a URL.
    ///
    /// # Errors
    /// If the text is no value of this setting; the error says what is expected.
    pub fn parse(&self, text: &str) -> Result<Value, SettingError> {
        let wrong = |expected: &str| SettingError::Value {
            key: self.key.into(),
            problem: format!("is `{text}`, but must be {expected}"),
        };
        let number = |text: &str| {
            text.trim()
                .parse::<f64>()
                .ok()
                .filter(|x| x.is_finite())
                .and_then(serde_json::Number::from_f64)
        };
        match self.kind {
            SettingKind::Integer => {
                let parsed = text.trim().replace('_', "").parse::<u64>();
                parsed.map(Value::from).map_err(|error| match (error.kind(), self.range) {
                    // Beyond 64 bits.
                    (IntErrorKind::PosOverflow, Some([_, highest])) => {
                        wrong(&format!("at most {highest}"))
                    }
                    _ => wrong(&self.whole_number()),
                })
            }
            SettingKind::Number => number(text).map(Value::Number).ok_or_else(|| wrong("a number")),
            SettingKind::Text => Ok(Value::from(text)),
            SettingKind::Flag => match text.trim() {
                "true" => Ok(Value::from(true)),
                "false" => Ok(Value::from(false)),
                _ => Err(wrong("true or false")),
            },
            SettingKind::Choice => {
                let typed = text.replace('-', "_");
                let word = self.present(&typed);
                if self.choices.contains(&word) {
                    Ok(Value::from(word))
                } else {
                    Err(wrong(&format!("one of {}", self.choices.join(", "))))
                }
            }
            SettingKind::Numbers => text
                .split(',')
                .filter(|part| !part.trim().is_empty())
                .map(|part| number(part).map(Value::Number))
                .collect::<Option<Vec<_>>>()
                .map(Value::Array)
                .ok_or_else(|| wrong("numbers separated by commas")),
        }
    }
}
