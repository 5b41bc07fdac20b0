//! The vocabulary as plain data; turning text into tokens is trm-data's work.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What a token number stands for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Vocab {
    /// Token `i` is the `i`-th character; sorted by code point, as nanoGPT does.
    Char { chars: String },
    /// Numbers that stand for nothing, as in a checkpoint without a text.
    Plain { size: usize },
}

impl Vocab {
    /// How many tokens there are.
    pub fn size(&self) -> usize {
        match self {
            Self::Char { chars } => chars.chars().count(),
            Self::Plain { size } => *size,
        }
    }
}
