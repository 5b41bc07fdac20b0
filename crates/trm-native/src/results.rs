//! `results.json`: what a run has come to, for programs to read.

use serde::Serialize;
use trm_spec::RunConfig;

use crate::facts::Facts;

/// A run's results so far; times in seconds, losses in nats per token.
#[derive(Serialize)]
pub struct Results<'a> {
    /// The text's own name, or the kind of puzzle.
    pub corpus: &'a str,
    pub parameters: usize,
    /// Tokens there are to learn from.
    pub train_tokens: usize,
    pub val_tokens: usize,
    pub step: usize,
    /// Whether all steps are done.
    pub finished: bool,
    /// Tokens that were learned from, counted as often as they were seen.
    pub tokens_seen: usize,
    /// Floating-point operations of all training steps.
    pub training_flops: f64,
    /// Spent in training steps, over all parts of the run.
    pub seconds: f64,
    #[serde(flatten)]
    pub facts: &'a Facts,
    pub config: &'a RunConfig,
}
