//! The text, the puzzles, the images or the questions of a run.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Where the text, the puzzles, the images or the questions come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(default, deny_unknown_fields)]
pub struct DataSpec {
    /// `shakespeare`, or the name of the user's own text; or a kind of puzzle
    /// (`sudoku-4x4`, `sudoku-9x9`, `maze-10x10`, …), or `arc` for tasks of ARC-AGI;
    /// or `digits`, or the name of the user's own images; or a kind of question (`cups`,
    /// `modular-sums`, `list-reversal`), or the name of the user's own questions.
    pub dataset: String,
    /// Fraction held out for validation: of the text, from its end; of the training
    /// images, the same share of every class.
    pub val_fraction: f64,
    /// How text becomes tokens.
    pub tokenizer: Tokenizer,
    /// How training windows are sampled.
    pub sampling: Sampling,
    /// Distinct training puzzles, before augmentation.
    pub num_puzzles: usize,
    /// Validation puzzles; none of them is trained on.
    pub num_val_puzzles: usize,
    /// Minimum difficulty: guesses that a backtracking solver needs.
    pub min_guesses: usize,
    /// Maximum difficulty.
    pub max_guesses: usize,
    /// As many Sudokus of each of [`SUDOKU_GRADES`](crate::SUDOKU_GRADES) as of any other,
    /// within these limits. Otherwise they are as common as among random Sudokus.
    pub equal_grades: bool,
    /// Apply a new random augmentation each time a puzzle is shown.
    pub augment: bool,
    /// Augmented copies of each ARC task (the official `num_aug`); each has an
    /// identifier, and so an embedding, of its own.
    pub num_aug: usize,
    /// Resize images whose size is not the model's `image_size`, and crop their centre.
    pub resize: bool,
    /// Pixels of padding around a training image before a random crop; 0 disables it.
    pub random_crop: usize,
    /// Flip half of the training images horizontally.
    pub flip: bool,
    /// Subtracted from the pixels of each channel, which lie in 0..1; empty means 0.5.
    pub pixel_mean: Vec<f64>,
    /// What they are then divided by; empty means 0.5.
    pub pixel_std: Vec<f64>,
    /// Distinct training questions, where they are generated.
    pub num_questions: usize,
    /// Validation questions, and as many harder ones, where they are generated; none of
    /// them is trained on. Of the user's own at most a fifth.
    pub num_val_questions: usize,
    /// Minimum difficulty of generated questions: swaps of cups, terms of a sum, or words
    /// of a list. The curriculum begins with it.
    pub min_difficulty: usize,
    /// Maximum difficulty of generated questions; the harder ones go up to twice that.
    pub max_difficulty: usize,
    /// Updates in which the training questions rise from the least difficult to the most
    /// difficult; 0 means all at once.
    pub curriculum_iters: usize,
}

/// The greatest `max_difficulty`; the harder questions go up to twice that.
pub const MAX_DIFFICULTY: usize = 64;

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

/// How training windows are sampled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Sampling {
    /// At random positions, with replacement (nanoGPT).
    #[default]
    Random,
    /// Each window once per epoch, in a new order and at a new offset in every epoch.
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
            equal_grades: false,
            augment: true,
            num_aug: 16,
            resize: false,
            random_crop: 0,
            flip: false,
            pixel_mean: Vec::new(),
            pixel_std: Vec::new(),
            num_questions: 20_000,
            num_val_questions: 512,
            min_difficulty: 1,
            max_difficulty: 4,
            curriculum_iters: 0,
        }
    }
}
