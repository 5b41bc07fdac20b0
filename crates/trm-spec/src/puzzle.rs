//! Puzzles, answers and scores, as plain data.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Accuracy on the puzzles that halted in one training step. Accuracies lie between 0
/// and 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Solved {
    /// Number of puzzles.
    pub puzzles: usize,
    /// Mean fraction of a puzzle's cells that are right.
    pub cell_accuracy: f64,
    /// Fraction of puzzles with every cell right.
    pub exact_accuracy: f64,
    /// Fraction of puzzles whose halting head is right about that.
    pub halt_accuracy: f64,
    /// Mean supervision steps.
    pub steps: f64,
}

/// Scores after a number of supervision steps.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct StepScore {
    /// Supervision steps.
    pub step: usize,
    /// Mean loss, in nats per cell that counts.
    pub loss: f64,
    /// Mean fraction of a puzzle's cells that are right.
    pub cell_accuracy: f64,
    /// Fraction of puzzles with every cell right.
    pub exact_accuracy: f64,
}

/// Scores with early stopping: each puzzle stops by itself.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct HaltScore {
    /// Probability of halting above which a puzzle stops.
    pub threshold: f64,
    /// Mean supervision steps.
    pub steps: f64,
    /// Mean fraction of a puzzle's cells that are right.
    pub cell_accuracy: f64,
    /// Fraction of puzzles with every cell right.
    pub exact_accuracy: f64,
}

/// Scores on a set of puzzles.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct PuzzleScores {
    /// Number of puzzles.
    pub puzzles: usize,
    /// Scores after each supervision step.
    pub steps: Vec<StepScore>,
    /// Scores with early stopping, by threshold.
    pub halting: Vec<HaltScore>,
}

/// A model's answer to one puzzle.
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
}

/// Where a puzzle comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "type", rename_all = "snake_case")]
#[allow(missing_docs, reason = "each variant explains its fields")]
pub enum PuzzleInput {
    /// Made by seed, held out from training. For a Sudoku, a plain solver needs so
    /// many guesses.
    Made { min_guesses: usize, max_guesses: usize, seed: u32 },
    /// Typed or pasted: one puzzle, on one line or on as many as it has rows.
    Text { text: String },
    /// Drawn, as tokens.
    Drawn { tokens: Vec<u32> },
}

/// A puzzle, and what the rules say about it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct PuzzleInfo {
    /// As `dataset` names it.
    pub kind: String,
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub cols: usize,
    /// The token of each cell, row by row.
    pub tokens: Vec<u32>,
    /// The puzzle as text, as it can be pasted.
    pub text: String,
    /// How many solutions it has.
    pub solutions: SolutionCount,
    /// The solution, where there is one; of a maze, a shortest path.
    pub solution: Option<Vec<u32>>,
    /// Guesses that a backtracking solver needs, for kinds that are graded by it.
    pub guesses: Option<usize>,
    /// Rules that the given cells break.
    pub broken: Vec<BrokenRule>,
}

/// How many solutions a puzzle has. For a maze any shortest path counts, and they
/// count as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum SolutionCount {
    /// No solution.
    None,
    /// Exactly one.
    One,
    /// More than one.
    Several,
    /// The search was given up before it was certain.
    Unknown,
}

/// A broken rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct BrokenRule {
    /// The rule, in words.
    pub rule: String,
    /// The cells that break it, row by row from 0.
    pub cells: Vec<usize>,
}

/// What the rules say about an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct AnswerCheck {
    /// Whether the answer is a solution.
    pub solved: bool,
    /// Rules that it breaks.
    pub broken: Vec<BrokenRule>,
}
