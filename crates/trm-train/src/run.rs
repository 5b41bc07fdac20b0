//! What can be done with any model that trains, whatever its variant.

use async_trait::async_trait;
use trm_spec::{
    DepthLoss, Failure, FailureKind, GenerateOptions, Generated, PuzzleScores, RunConfig,
    RunSummary, Saved, Solution, StepReport, Trace,
};

use crate::{Evaluation, Scoring};

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

    /// The same with more said of how it is scored, and of the text.
    async fn score(&self, _scoring: &Scoring) -> Result<Evaluation, Failure> {
        Err(no_text())
    }

    /// What the model makes of the tokens after the one row of `request`, after
    /// every cycle: of a chunk, or of one token.
    async fn draft(&self, _request: &TraceRequest) -> Result<Trace, Failure> {
        Err(no_text())
    }

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

    /// How the puzzles kept for validation are answered after each of `steps`
    /// supervision steps, and when they halt by themselves; the first `puzzles`
    /// of them (0: all).
    async fn judge(&self, _steps: usize, _puzzles: usize) -> Result<PuzzleScores, Failure> {
        Err(no_puzzles())
    }

    /// Answers puzzles.
    async fn solve(&self, _request: &SolveRequest) -> Result<Vec<Solution>, Failure> {
        Err(no_puzzles())
    }
}

fn no_puzzles() -> Failure {
    Failure::new(
        FailureKind::Config,
        "this model writes text; it does not solve puzzles",
        "Choose a checkpoint of a puzzle model.",
    )
}

pub(crate) fn no_text() -> Failure {
    Failure::new(
        FailureKind::Prompt,
        "this model solves puzzles; it does not write text",
        "Give it puzzles (trm-native solve), or choose a language model.",
    )
}

/// Puzzles to answer.
#[derive(Clone, Debug, Default)]
pub struct SolveRequest {
    /// Rows of tokens, each a puzzle.
    pub inputs: Vec<Vec<u32>>,
    /// One for each puzzle, or none: then all are 0.
    pub puzzle_identifiers: Vec<u32>,
    /// Probability of halting above which a puzzle is done; without one, all
    /// steps are run.
    pub threshold: Option<f64>,
    /// Most supervision steps.
    pub max_steps: usize,
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
    /// Rows; of language models they may differ in length.
    pub tokens: Vec<Vec<u32>>,
    pub depth: usize,
    /// Most probable tokens to list at each position; 0 lists none.
    pub top: usize,
    /// Of puzzles, one for each row, or none: then all are 0.
    pub puzzle_identifiers: Vec<u32>,
    /// Whether to give the logits too.
    pub logits: bool,
    /// A position of which to tell what every head looked at.
    pub attention: Option<usize>,
}
