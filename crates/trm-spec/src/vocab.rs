//! The vocabulary as plain data; turning text into tokens is trm-data's work.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What a token number stands for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Vocab {
    /// Token `i` is the `i`-th character; sorted by code point, as nanoGPT does.
    Char {
        /// The characters, in the order of their tokens.
        chars: String,
    },
    /// Token `i` is the byte `i` of UTF-8.
    Byte,
    /// A published byte-pair encoding, known by name and by the digest of its
    /// ranks (lines of `base64 rank`, as published by its authors).
    Bpe {
        /// Name of the encoding.
        name: String,
        /// Number of tokens.
        size: usize,
        /// Digest of the ranks file.
        sha256: String,
    },
    /// Numbers that stand for nothing, as in a checkpoint without a text.
    Plain {
        /// Number of tokens.
        size: usize,
    },
    /// The colours of ARC grids in the official encoding, and the tasks that a
    /// model knows: puzzle identifiers from 1 on are theirs, one for each task as
    /// it is followed by one for each of its augmented copies. 0 is blank.
    Arc {
        /// The tasks that the model knows.
        tasks: Vec<KnownTask>,
    },
    /// Parts of words, with the byte-pair encoding that makes them.
    #[cfg(feature = "llm")]
    Subword(Subwords),
    /// The classes of an image classifier: class `i` is the `i`-th name.
    Classes {
        /// What the classes are called.
        names: Vec<String>,
    },
}

/// A byte-pair encoding on the bytes of UTF-8, as GPT-2's: token `i` is the `i`-th text.
#[cfg(feature = "llm")]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Subwords {
    /// The tokens. Every character stands for a byte, in GPT-2's table; those of
    /// `special` tokens stand for themselves.
    pub tokens: Vec<String>,
    /// Pairs of tokens that become one, the first ones first, separated by a space.
    pub merges: Vec<String>,
    /// Tokens that are found in a text before it is split into words.
    pub special: Vec<u32>,
    /// Whether every digit is a word of its own.
    pub split_digits: bool,
}

/// An ARC task that a model has embeddings for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct KnownTask {
    /// Name of the task.
    pub name: String,
    /// Augmented copies: identifiers of the task besides its first. Files call it
    /// `guises`.
    #[serde(rename = "guises")]
    pub augmentations: usize,
}

/// Tokens of an ARC grid: padding, the end of the grid, ten colours.
pub const ARC_TOKENS: usize = 12;

impl Vocab {
    /// How many tokens there are.
    pub fn size(&self) -> usize {
        match self {
            Self::Char { chars } => chars.chars().count(),
            Self::Byte => 256,
            Self::Bpe { size, .. } | Self::Plain { size } => *size,
            #[cfg(feature = "llm")]
            Self::Subword(subwords) => subwords.tokens.len(),
            Self::Arc { .. } => ARC_TOKENS,
            Self::Classes { names } => names.len(),
        }
    }
}
