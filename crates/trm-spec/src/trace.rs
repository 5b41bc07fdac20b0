//! The readouts of a model after every cycle.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Readouts of all cycles for a batch of token rows. The outer index of every
/// list in a step is the row, the inner one the position.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Trace {
    /// Name of the model, as in configurations.
    pub variant: String,
    /// Cycles that ran.
    pub depth: usize,
    /// The tokens that were read, by row.
    pub tokens: Vec<Vec<u32>>,
    /// One entry for each cycle.
    pub steps: Vec<TraceStep>,
}

/// One cycle (single state) or supervision step (dual state).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct TraceStep {
    /// From 1.
    pub step: usize,
    /// Most probable next token.
    pub argmax: Vec<Vec<u32>>,
    /// Its probability.
    pub prob: Vec<Vec<f32>>,
    /// Entropy of the prediction, in nats.
    pub entropy: Vec<Vec<f32>>,
    /// The most probable tokens, best first; empty unless asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub top: Vec<Vec<Vec<Candidate>>>,
    /// Probability of halting per row, where the model has a halting head.
    pub halt: Option<Vec<f32>>,
    /// Root mean square of the state.
    pub state_rms: f32,
    /// Root mean square of the state's change over this step.
    pub state_change: f32,
    /// Attention weights of this step, from the position that was asked for: by row,
    /// block, head and attended position. Empty unless asked for, and for models
    /// without attention.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attention: Vec<Vec<Vec<Vec<f32>>>>,
    /// Logits by row, position and token; absent unless asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub logits: Option<Vec<Vec<Vec<f32>>>>,
}

/// A token and its probability.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Candidate {
    /// The token.
    pub token: u32,
    /// Its probability.
    pub prob: f32,
}
