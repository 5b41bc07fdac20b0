//! The kinds of task that models are made for.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// The kind of task of a model. It decides which dataset a model is trained on, how
/// it is evaluated, and which page and which module of the browser hold it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// Predicts the next tokens of a text.
    Language,
    /// Fills in the cells of a puzzle.
    Puzzles,
    /// Classifies images.
    Images,
    /// Answers questions.
    Questions,
}

impl Family {
    /// The name in JSON and in generated files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Language => "language",
            Self::Puzzles => "puzzles",
            Self::Images => "images",
            Self::Questions => "questions",
        }
    }
}
