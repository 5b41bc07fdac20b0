//! `results.json`: the metrics, sizes and cost of a run, for programs to read.

use serde::Serialize;
use trm_spec::RunConfig;

use crate::training::run_metrics::RunMetrics;

/// The results of a run so far. Times are in seconds, losses in nats per token.
#[derive(Serialize)]
pub struct Results<'a> {
    /// Name of the data.
    pub corpus: &'a str,
    /// Trainable parameters.
    pub parameters: usize,
    /// Tokens, cells of puzzles, images or questions in the training split.
    pub train_tokens: usize,
    /// The same in the validation split.
    pub val_tokens: usize,
    /// Training steps made.
    pub step: usize,
    /// Whether the run made all of its steps.
    pub finished: bool,
    /// Whether it ended before, as its validations got no better.
    pub early_stopped: bool,
    /// Tokens processed in training; a token counts each time it is seen.
    pub tokens_seen: usize,
    /// Floating-point operations of all training steps.
    pub training_flops: f64,
    /// Time in training steps, over all processes of the run.
    pub seconds: f64,
    #[serde(flatten)]
    pub metrics: &'a RunMetrics,
    pub config: &'a RunConfig,
}
