//! Puzzles and how they were answered, as plain data.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Puzzles that were done in one training step. Accuracies lie between 0 and 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Solved {
    /// How many puzzles.
    pub puzzles: usize,
    /// Mean share of a puzzle's cells that are right.
    pub cell_accuracy: f64,
    /// Share of the puzzles that are right in every cell.
    pub exact_accuracy: f64,
    /// Share of the puzzles of which the halting head says what is so.
    pub halt_accuracy: f64,
    /// Mean supervision steps.
    pub steps: f64,
}

/// How puzzles are answered after so many supervision steps.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct StepScore {
    /// Supervision steps.
    pub step: usize,
    /// Mean loss, in nats per cell that counts.
    pub loss: f64,
    /// Mean share of correct cells in a puzzle.
    pub cell_accuracy: f64,
    /// Share of puzzles with all cells correct.
    pub exact_accuracy: f64,
}

/// How puzzles are answered when each stops by itself.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct HaltScore {
    /// Probability of halting above which a puzzle is done.
    pub threshold: f64,
    /// Mean supervision steps.
    pub steps: f64,
    /// Mean share of correct cells in a puzzle.
    pub cell_accuracy: f64,
    /// Share of puzzles with all cells correct.
    pub exact_accuracy: f64,
}

/// How a set of puzzles is answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct PuzzleScores {
    /// How many puzzles.
    pub puzzles: usize,
    /// Scores after each supervision step.
    pub steps: Vec<StepScore>,
    /// Scores with early stopping, one row for each threshold.
    pub halting: Vec<HaltScore>,
}

/// One puzzle, answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Solution {
    /// The token of each cell.
    pub answer: Vec<u32>,
    /// Its probability.
    pub prob: Vec<f32>,
    /// Supervision steps that were run.
    pub steps: usize,
    /// Probability of halting after the last of them.
    pub halt: f32,
    /// Which of the augmented copies gave the answer; 0 is the puzzle itself.
    pub copy: usize,
    /// Supervision steps that were run on all copies together.
    pub calls: usize,
}

/// Where a puzzle comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum PuzzleInput {
    /// Made by seed, held out from training. For a Sudoku, a plain solver needs so
    /// many guesses.
    Made {
        /// Fewest guesses.
        min_guesses: usize,
        /// Most guesses.
        max_guesses: usize,
        /// Seed of the puzzle.
        seed: u32,
    },
    /// Typed or pasted: one puzzle, on one line or on as many as it has rows.
    Text {
        /// The text.
        text: String,
    },
    /// Drawn, as tokens.
    Drawn {
        /// The token of each cell.
        tokens: Vec<u32>,
    },
}

/// A puzzle, and what the rules say of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct PuzzleInfo {
    /// As `dataset` names it.
    pub kind: String,
    /// Rows of the board.
    pub rows: usize,
    /// Columns of the board.
    pub cols: usize,
    /// The token of each cell, row by row.
    pub tokens: Vec<u32>,
    /// The puzzle as text, as it can be pasted.
    pub text: String,
    /// How many solutions it has.
    pub solutions: SolutionCount,
    /// The solution, where there is one; of a maze, a shortest path.
    pub solution: Option<Vec<u32>>,
    /// Guesses that a plain solver needs, where that is how a kind is graded.
    pub guesses: Option<usize>,
    /// Rules that what is given breaks already.
    pub broken: Vec<BrokenRule>,
}

/// How many solutions a puzzle has. For a maze any shortest path counts, and they
/// count as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum SolutionCount {
    /// No solution.
    None,
    /// Exactly one solution.
    One,
    /// More than one solution.
    Several,
    /// Too hard to be sure of.
    Unknown,
}

/// A rule that is broken, in words, and the cells that break it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct BrokenRule {
    /// The rule, in words.
    pub rule: String,
    /// Indices of the cells that break it.
    pub cells: Vec<usize>,
}

/// What the rules say of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct AnswerCheck {
    /// Whether the puzzle is solved.
    pub solved: bool,
    /// The rules that the answer breaks.
    pub broken: Vec<BrokenRule>,
}
