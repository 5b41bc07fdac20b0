//! ARC's tasks and what a model answers to them, as plain data.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Rows of colours from 0 to 9.
pub type Colours = Vec<Vec<u8>>;

/// A grid and what becomes of it, where that is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ArcPair {
    pub input: Colours,
    pub output: Option<Colours>,
}

/// A rule shown by examples, and grids to apply it to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ArcTask {
    pub name: String,
    pub train: Vec<ArcPair>,
    pub test: Vec<ArcPair>,
}

/// A model's answer to a test in one guise, turned back to the test as it was
/// given: one of each supervision step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct ArcAnswers {
    /// Guises that the model knows of the task, itself included.
    pub guises: usize,
    /// The test's grid in the guise, as the model sees it.
    pub seen: Colours,
    /// By step; empty where the tokens are no grid.
    pub answers: Vec<Colours>,
    /// Probability of halting, by step.
    pub halt: Vec<f32>,
}

/// One answer, and the probability of halting that came with it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct ArcBallot {
    pub answer: Colours,
    pub halt: f64,
}

/// An answer with its votes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct ArcCandidate {
    pub answer: Colours,
    pub votes: usize,
    /// Mean probability of halting.
    pub halt: f64,
}
