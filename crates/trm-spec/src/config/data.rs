//! Which text, cut and drawn how.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Where the text or the puzzles come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(default, deny_unknown_fields)]
pub struct DataSpec {
    /// `shakespeare`, or the name of the user's own text; or a kind of puzzle
    /// (`sudoku-4x4`, `sudoku-9x9`, `maze-10x10`, …), or `arc` for tasks of ARC-AGI.
    pub dataset: String,
    /// The last share of the text, kept for validation.
    pub val_fraction: f64,
    pub tokenizer: Tokenizer,
    pub sampling: Sampling,
    /// Different puzzles to learn from, before they are augmented.
    pub num_puzzles: usize,
    /// Puzzles kept for validation; none of them is learned from.
    pub num_val_puzzles: usize,
    /// Fewest guesses that a plain solver needs for a puzzle (its grade).
    pub min_guesses: usize,
    /// Most guesses.
    pub max_guesses: usize,
    /// Show every puzzle in another guise each time.
    pub augment: bool,
    /// Guises of each ARC task besides itself (the official `num_aug`); each has
    /// an identifier, and so an embedding, of its own.
    pub num_aug: usize,
}

/// How text becomes tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Tokenizer {
    /// The characters that occur, sorted by code point (nanoGPT).
    #[default]
    Char,
    /// The 256 bytes of UTF-8.
    Byte,
    /// GPT-2's byte-pair encoding, 50,257 tokens.
    Gpt2,
}

/// Where training windows are taken from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Sampling {
    /// Anywhere, with replacement (nanoGPT).
    #[default]
    Random,
    /// Every window of the text once before any comes again, in a new order and
    /// at a new offset in every epoch.
    Epochs,
}

impl Default for DataSpec {
    fn default() -> Self {
        Self {
            dataset: "shakespeare".into(),
            val_fraction: 0.1,
            tokenizer: Tokenizer::Char,
            sampling: Sampling::Random,
            num_puzzles: 1000,
            num_val_puzzles: 256,
            min_guesses: 0,
            max_guesses: crate::NO_GUESS_LIMIT,
            augment: true,
            num_aug: 16,
        }
    }
}
