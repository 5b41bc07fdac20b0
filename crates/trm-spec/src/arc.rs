//! Tasks of ARC-AGI and a model's answers, as plain data.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Rows of colours from 0 to 9.
pub type Colours = Vec<Vec<u8>>;

/// An input grid and its output, where that is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ArcPair {
    /// The input grid.
    pub input: Colours,
    /// The output grid; unknown for tests of a competition.
    pub output: Option<Colours>,
}

/// A task: pairs that show a rule, and inputs to apply it to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ArcTask {
    /// The name of the task.
    pub name: String,
    /// Pairs that show the rule.
    pub train: Vec<ArcPair>,
    /// Pairs to predict the outputs of.
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
    /// Probability of halting.
    pub halt: f64,
}

/// An answer with its votes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct ArcCandidate {
    /// The predicted grid.
    pub answer: Colours,
    /// Predictions with this answer.
    pub votes: usize,
    /// Mean probability of halting.
    pub halt: f64,
}
