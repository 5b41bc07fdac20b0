//! How puzzles were answered, as plain data.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Puzzles that were done in one training step. Accuracies lie between 0 and 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Solved {
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
    pub step: usize,
    /// Mean loss, in nats per cell that counts.
    pub loss: f64,
    pub cell_accuracy: f64,
    pub exact_accuracy: f64,
}

/// How puzzles are answered when each stops by itself.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct HaltScore {
    /// Probability of halting above which a puzzle is done.
    pub threshold: f64,
    /// Mean supervision steps.
    pub steps: f64,
    pub cell_accuracy: f64,
    pub exact_accuracy: f64,
}

/// How a set of puzzles is answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct PuzzleScores {
    pub puzzles: usize,
    pub steps: Vec<StepScore>,
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
}
