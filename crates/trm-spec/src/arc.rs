//! ARC's tasks and what a model answers to them, as plain data.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Rows of colours from 0 to 9.
pub type Colours = Vec<Vec<u8>>;

/// A grid and what becomes of it, where that is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ArcPair {
    /// The grid that is given.
    pub input: Colours,
    /// The grid to predict, where it is known.
    pub output: Option<Colours>,
}

/// A rule shown by examples, and grids to apply it to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ArcTask {
    /// Name of the task.
    pub name: String,
    /// Demonstration pairs.
    pub train: Vec<ArcPair>,
    /// Test pairs.
    pub test: Vec<ArcPair>,
}

/// A model's answers to a test under one augmentation, with the augmentation undone:
/// one for each supervision step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct ArcAnswers {
    /// Augmentations that the model knows of the task, the task as it is included.
    pub augmentations: usize,
    /// The test's grid under the augmentation, as the model sees it.
    pub seen: Colours,
    /// By step; empty where the tokens are no grid.
    pub answers: Vec<Colours>,
    /// Probability of halting, by step.
    pub halt: Vec<f32>,
}

/// The answer to one augmented copy, and the probability of halting that came with it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct ArcPrediction {
    /// The predicted grid.
    pub answer: Colours,
    /// Probability of halting, between 0 and 1.
    pub halt: f64,
}

/// An answer with its votes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct ArcCandidate {
    /// The predicted grid.
    pub answer: Colours,
    /// Votes for this answer.
    pub votes: usize,
    /// Mean probability of halting.
    pub halt: f64,
}
