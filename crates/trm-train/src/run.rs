//! What can be done with any model that trains, whatever its variant.

use async_trait::async_trait;
use trm_spec::{
    DepthLoss, Failure, GenerateOptions, Generated, RunConfig, RunSummary, Saved, StepReport, Trace,
};

/// A model, and what it takes to train it further.
///
/// Methods are async because a browser's GPU can only be read that way; nothing
/// here runs in the background.
#[async_trait(?Send)]
pub trait Run {
    fn summary(&self) -> RunSummary;

    /// Trains up to `n` steps, fewer when the run reaches `max_iters`. Losses are
    /// read back once, at the end.
    async fn steps(&mut self, n: usize) -> Result<Vec<StepReport>, Failure>;

    /// Goes on with another configuration, in which only settings that are
    /// [`live`](trm_spec::Setting::live) may differ.
    fn configure(&mut self, config: &RunConfig) -> Result<(), Failure>;

    /// Loss on the validation split at each depth, over `max_tokens` evenly spread
    /// tokens (0: all of them, each once).
    async fn evaluate(
        &self,
        depths: &[usize],
        max_tokens: usize,
    ) -> Result<Vec<DepthLoss>, Failure>;

    /// Opens a stream of text from the weights as they are now.
    fn generate(&self, options: &GenerateOptions) -> Result<Box<dyn TextStream>, Failure>;

    /// What the model answers after every cycle.
    async fn trace(&self, request: &TraceRequest) -> Result<Trace, Failure>;

    /// A text as this model's tokens.
    fn encode(&self, prompt: &str) -> Result<Vec<u32>, Failure>;

    /// Which weights answer questions from now on: evaluation, text, traces and
    /// [`export`](Self::export). At first the average, where there is one.
    fn answer_with(&mut self, weights: Weights) -> Result<(), Failure>;

    /// The run as bytes, to go on from; `metrics` is kept with it.
    async fn save(&self, metrics: serde_json::Value) -> Result<Saved, Failure>;

    /// The weights that answer questions, as a checkpoint that stands alone.
    async fn export(&self, metrics: serde_json::Value) -> Result<Vec<u8>, Failure>;
}

/// Two sets of weights that a run may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weights {
    /// As the last update left them.
    Raw,
    /// Their exponential moving average (`ema_decay`).
    Average,
}

/// Text that is generated as it is asked for.
#[async_trait(?Send)]
pub trait TextStream {
    /// Up to `n` more tokens.
    async fn pull(&mut self, n: usize) -> Result<Generated, Failure>;
}

/// What to trace.
#[derive(Clone, Debug, Default)]
pub struct TraceRequest {
    /// Rows of equal length.
    pub tokens: Vec<Vec<u32>>,
    pub depth: usize,
    /// Most probable tokens to list at each position; 0 lists none.
    pub top: usize,
    /// Whether to give the logits too.
    pub logits: bool,
    /// A position of which to tell what every head looked at.
    pub attention: Option<usize>,
}
