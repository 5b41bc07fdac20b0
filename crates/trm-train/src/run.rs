//! What can be done with a run, whatever its model; and, as capabilities, what only
//! some models can do. It has more than 400 lines because the examples of the interface
//! are part of it.

use async_trait::async_trait;
use trm_data::Extent;
use trm_spec::{
    ClassStep, Classification, DepthLoss, Failure, FailureKind, Family, GenerateOptions, Generated,
    ImageInput, ImageScores, ImageSplit, PuzzleScores, RunConfig, RunSummary, Saved, ShownImage,
    Solution, StepReport, Trace,
};

pub use crate::image_requests::{ClassifyRequest, ImageScoring};
pub use crate::puzzle_requests::{
    Choice, Chosen, Copies, CopyScore, CopyScores, CopyScoring, MOST_COPIES, SolveRequest,
};
#[cfg(feature = "llm")]
pub use crate::question_requests::{
    Answerer, AskRequest, ConsiderRequest, OnToken, QuestionSet, Thought,
};
use crate::reduce::Sharing;
use trm_data::Dataset;

/// A model, and what it takes to train it further.
///
/// Methods are async because a browser's GPU can only be read that way; nothing here
/// runs in the background. What only the models of one family can do is a capability:
/// [`writer`](trait.Run.html#method.writer), [`solver`](trait.Run.html#method.solver),
/// [`classifier`](trait.Run.html#method.classifier) and `answerer` give it, or the failure that
/// says which models have it.
#[async_trait(?Send)]
pub trait Run {
    /// Configuration, size and progress.
    fn summary(&self) -> RunSummary;

    /// Trains up to `n` steps, fewer when the run reaches `max_iters`. Losses are
    /// read back once, at the end.
    ///
    /// ```
    /// # use burn::tensor::Device;
    /// # use trm_data::TextDataset;
    /// # use trm_spec::{ChatTrmSpec, RunConfig};
    /// # let spec = ChatTrmSpec {
    /// #     hidden_size: 16, num_heads: 2, n_layers: 1, block_size: 8, ..ChatTrmSpec::default()
    /// # };
    /// # let mut config = RunConfig { model: spec.into(), ..RunConfig::default() };
    /// # config.train.batch_size = 2;
    /// # let text = "better late than never, ".repeat(10);
    /// # let text = TextDataset::from_text("proverb", &text, 0.1)?;
    /// # // On the CPU a future is ready at once; a real program uses an executor.
    /// # fn block_on<T>(future: impl Future<Output = T>) -> T {
    /// #     let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    /// #     match std::pin::pin!(future).as_mut().poll(&mut context) {
    /// #         std::task::Poll::Ready(value) => value,
    /// #         std::task::Poll::Pending => unreachable!(),
    /// #     }
    /// # }
    /// let mut run = trm_train::create(&config, text, &Device::flex())?;
    /// let reports = block_on(run.steps(3))?;
    /// assert_eq!(reports.len(), 3);
    /// assert!(reports.iter().all(|report| report.loss.is_finite()));
    /// assert_eq!(run.summary().step, 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If there are no data to train on, they cannot be read, or the loss is no longer
    /// finite.
    async fn steps(&mut self, n: usize) -> Result<Vec<StepReport>, Failure>;

    /// Continues with another configuration, in which only settings that are
    /// [`live`](trm_spec::Setting::live) may differ.
    ///
    /// # Errors
    /// Names the first other setting that differs.
    fn configure(&mut self, config: &RunConfig) -> Result<(), Failure>;

    /// Joins a group of ranks or leaves it, and sets the number of parts into which every
    /// further batch is cut.
    ///
    /// # Errors
    /// If the model cannot be trained so, the rows of a batch cannot be cut equally, or the
    /// ranks cannot share the parts equally.
    fn set_sharing(&mut self, sharing: Sharing) -> Result<(), Failure>;

    /// Gives the run data to train on, in place of any it has.
    ///
    /// # Errors
    /// If the data are of another family or do not fit the model, or the device does
    /// not compute in the run's precision.
    fn attach(&mut self, data: Dataset) -> Result<(), Failure>;

    /// Loss on the validation split at each depth, over `max_tokens` evenly spread
    /// tokens (0: all of them, each once).
    ///
    /// # Errors
    /// If there is no validation split, or a depth cannot be run.
    async fn evaluate(
        &self,
        depths: &[usize],
        max_tokens: usize,
    ) -> Result<Vec<DepthLoss>, Failure>;

    /// The model's readout after every cycle.
    ///
    /// # Errors
    /// If the request does not fit the model.
    async fn trace(&self, request: &TraceRequest) -> Result<Trace, Failure>;

    /// Chooses the weights for inference: evaluation, text, traces and
    /// [`export`](Self::export). At first the average, where there is one.
    ///
    /// # Errors
    /// If the average is chosen and the run keeps none.
    fn use_weights(&mut self, weights: Weights) -> Result<(), Failure>;

    /// Gets the carry (unfinished puzzles) of the shards that other ranks compute, so that
    /// [`save`](Self::save) can write all of it. A collective operation: all ranks call it at
    /// the same step. Does nothing for a model without carry, or with one rank.
    ///
    /// # Errors
    /// If another rank stopped.
    async fn gather_carry(&self) -> Result<(), Failure> {
        Ok(())
    }

    /// The run as bytes, to continue from; `metrics` is kept in the header.
    ///
    /// # Errors
    /// If the device is lost, or a number is not finite.
    async fn save(&self, metrics: serde_json::Value) -> Result<Saved, Failure>;

    /// The weights for inference, as a checkpoint that stands alone.
    ///
    /// # Errors
    /// If the device is lost, or a weight is not finite.
    async fn export(&self, metrics: serde_json::Value) -> Result<Vec<u8>, Failure>;

    /// The run as a writer of text, if its model is a language model.
    fn as_writer(&self) -> Option<&dyn Writer>;

    /// The run as a solver, if its model solves puzzles.
    fn as_solver(&self) -> Option<&dyn Solver>;

    /// The run as a classifier, if its model classifies images.
    fn as_classifier(&self) -> Option<&dyn Classifier>;

    /// The run as an answerer, if its model answers questions.
    #[cfg(feature = "llm")]
    fn as_answerer(&self) -> Option<&dyn Answerer>;
}

impl dyn Run + '_ {
    /// The run as a writer of text.
    ///
    /// # Errors
    /// If its model is no language model.
    pub fn writer(&self) -> Result<&dyn Writer, Failure> {
        self.as_writer().ok_or_else(|| {
            self.other_family(
                FailureKind::Prompt,
                "does not generate text",
                "Choose a language model",
            )
        })
    }

    /// The run as a solver of puzzles.
    ///
    /// # Errors
    /// If its model solves none.
    pub fn solver(&self) -> Result<&dyn Solver, Failure> {
        self.as_solver().ok_or_else(|| {
            self.other_family(
                FailureKind::Config,
                "does not solve puzzles",
                "Choose a puzzle model",
            )
        })
    }

    /// The run as a classifier of images.
    ///
    /// # Errors
    /// If its model classifies none.
    pub fn classifier(&self) -> Result<&dyn Classifier, Failure> {
        self.as_classifier().ok_or_else(|| {
            self.other_family(
                FailureKind::Config,
                "does not classify images",
                "Choose an image classifier",
            )
        })
    }

    /// The run as an answerer of questions.
    ///
    /// # Errors
    /// If its model answers none.
    #[cfg(feature = "llm")]
    pub fn answerer(&self) -> Result<&dyn Answerer, Failure> {
        self.as_answerer().ok_or_else(|| {
            self.other_family(
                FailureKind::Prompt,
                "does not answer questions",
                "Choose a question model",
            )
        })
    }

    /// The model belongs to another family than what was asked of it.
    fn other_family(&self, kind: FailureKind, cannot: &str, hint: &str) -> Failure {
        let (is, use_it) = match self.summary().family {
            Family::Language => ("a language model", "trm-native generate writes text with it"),
            Family::Puzzles => ("a puzzle model", "trm-native solve gives it puzzles"),
            Family::Images => ("an image classifier", "trm-native classify gives it images"),
            Family::Questions => ("a question model", "trm-native ask asks it"),
        };
        Failure::new(
            kind,
            format!("this is {is}; it {cannot}"),
            format!("{hint}, or use this one: {use_it}."),
        )
    }
}

/// What language models can do.
#[async_trait(?Send)]
pub trait Writer {
    /// A text as this model's tokens.
    ///
    /// # Errors
    /// If the vocabulary lacks a character.
    fn encode(&self, prompt: &str) -> Result<Vec<u32>, Failure>;

    /// Opens a stream of text from the weights as they are now.
    ///
    /// ```
    /// # use burn::tensor::Device;
    /// # use trm_data::TextDataset;
    /// # use trm_spec::{ChatTrmSpec, RunConfig};
    /// # let spec = ChatTrmSpec {
    /// #     hidden_size: 16, num_heads: 2, n_layers: 1, block_size: 8, ..ChatTrmSpec::default()
    /// # };
    /// # let mut config = RunConfig { model: spec.into(), ..RunConfig::default() };
    /// # config.train.batch_size = 2;
    /// # let text = "better late than never, ".repeat(10);
    /// # let text = TextDataset::from_text("proverb", &text, 0.1)?;
    /// # // On the CPU a future is ready at once; a real program uses an executor.
    /// # fn block_on<T>(future: impl Future<Output = T>) -> T {
    /// #     let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    /// #     match std::pin::pin!(future).as_mut().poll(&mut context) {
    /// #         std::task::Poll::Ready(value) => value,
    /// #         std::task::Poll::Pending => unreachable!(),
    /// #     }
    /// # }
    /// let run = trm_train::create(&config, text, &Device::flex())?;
    /// let options = trm_spec::GenerateOptions {
    ///     prompt: "better".into(),
    ///     depth: 2,
    ///     draft_depth: 0,
    ///     temperature: 0.0,
    ///     top_k: 0,
    ///     seed: 1,
    ///     max_new_tokens: 5,
    /// };
    /// let mut stream = run.writer()?.generate(&options)?;
    /// let output = block_on(stream.pull(5, true))?;
    /// assert_eq!(output.tokens.len(), 5);
    /// // The trace holds the model's answer after every cycle.
    /// let trace = output.trace.expect("it was asked for");
    /// assert_eq!(trace.steps.len(), 2);
    /// assert_eq!(trace.steps[1].argmax[0], output.tokens);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If the options cannot be used or the prompt cannot be encoded.
    fn generate(&self, options: &GenerateOptions) -> Result<Box<dyn TextStream>, Failure>;

    /// The prediction for the tokens after the one row of `request`, after every
    /// cycle: of a chunk, or of one token.
    ///
    /// # Errors
    /// If there is not exactly one row, or it does not fit the model.
    async fn draft(&self, request: &TraceRequest) -> Result<Trace, Failure>;

    /// [`Run::evaluate`] with windows as `scoring` says, and what text was scored.
    ///
    /// # Errors
    /// As of [`Run::evaluate`], and if the stride does not fit the model.
    async fn score(
        &self,
        scoring: &Scoring,
        on_progress: OnProgress<'_>,
    ) -> Result<Evaluation, Failure>;
}

/// What puzzle solvers can do.
#[async_trait(?Send)]
pub trait Solver {
    /// Accuracy on the held-out puzzles after each of `steps` supervision steps, and
    /// with halting; on the first `puzzles` of them (0: all).
    ///
    /// # Errors
    /// If there are no held-out puzzles, or so many steps cannot be run.
    async fn evaluate_puzzles(
        &self,
        steps: usize,
        puzzles: usize,
        on_progress: OnProgress<'_>,
    ) -> Result<PuzzleScores, Failure>;

    /// How answers score that are chosen among several copies of each held-out puzzle.
    ///
    /// # Errors
    /// If there are no held-out puzzles, the copies cannot be made, or so many steps cannot
    /// be run.
    async fn evaluate_copies(
        &self,
        scoring: &CopyScoring,
        on_progress: OnProgress<'_>,
    ) -> Result<CopyScores, Failure>;

    /// Solves puzzles.
    ///
    /// # Errors
    /// If a row is no puzzle of this model, or the copies cannot be made.
    async fn solve(&self, request: &SolveRequest) -> Result<Vec<Solution>, Failure>;
}

/// What image classifiers can do.
#[async_trait(?Send)]
pub trait Classifier {
    /// The class of an image after each of `outer_steps` outer steps of `inner_steps`
    /// inner steps; 0 takes the model's own number.
    ///
    /// # Errors
    /// If the image cannot be used, or a frozen base is needed and was not given.
    async fn classify(
        &self,
        input: &ImageInput,
        inner_steps: usize,
        outer_steps: usize,
    ) -> Result<Classification, Failure>;

    /// As [`classify`](Self::classify), of several images at once, by image, and without
    /// attention weights.
    ///
    /// # Errors
    /// As of `classify`.
    async fn classify_all(
        &self,
        request: &ClassifyRequest,
        inner_steps: usize,
        outer_steps: usize,
    ) -> Result<Vec<Vec<ClassStep>>, Failure>;

    /// Scores on a split after every outer step.
    ///
    /// # Errors
    /// If there are no such images, or so many steps cannot be run.
    async fn evaluate_images(
        &self,
        scoring: &ImageScoring,
        on_progress: OnProgress<'_>,
    ) -> Result<ImageScores, Failure>;

    /// Image `index` of a split, for display.
    ///
    /// # Errors
    /// If there is none.
    fn image(&self, split: ImageSplit, index: usize) -> Result<ShownImage, Failure>;
}

/// Called during an evaluation with how many tokens, puzzles, images or questions are done, and
/// how many there are.
pub type OnProgress<'a> = &'a mut dyn FnMut(usize, usize);

/// What to evaluate, and how.
#[derive(Clone, Debug, Default)]
pub struct Scoring {
    /// Depths to evaluate.
    pub depths: Vec<usize>,
    /// Most tokens that are scored, evenly spread; 0 means all.
    pub max_tokens: usize,
    /// Tokens that are scored in a window; those before them are context. 0 means the
    /// whole window, so that windows do not overlap. 1, or the size of a chunk, gives
    /// every token the longest possible context.
    pub stride: usize,
}

/// Losses, and the text they are of.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// By depth.
    pub depths: Vec<DepthLoss>,
    /// The text that was scored.
    pub scored: Extent,
}

/// Two sets of weights that a run may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weights {
    /// As the last update left them.
    Raw,
    /// Their exponential moving average (`ema_decay`).
    Average,
}

/// Text that is generated as it is pulled.
#[async_trait(?Send)]
pub trait TextStream {
    /// Up to `n` more tokens; with `trace`, also the cycles that made them.
    ///
    /// # Errors
    /// If the device is lost.
    async fn pull(&mut self, n: usize, trace: bool) -> Result<Generated, Failure>;

    /// Of speculative decoding: tokens that were drafted so far, and those that were kept.
    fn drafted(&self) -> (usize, usize) {
        (0, 0)
    }
}

/// What to trace.
#[derive(Clone, Debug, Default)]
pub struct TraceRequest {
    /// Rows of tokens; of language models they may differ in length.
    pub tokens: Vec<Vec<u32>>,
    /// Cycles, or supervision steps, to run.
    pub depth: usize,
    /// Most probable tokens to list at each position; 0 lists none.
    pub top: usize,
    /// Of puzzles, one for each row, or none: then all are 0.
    pub puzzle_identifiers: Vec<u32>,
    /// Whether to return the logits too.
    pub logits: bool,
    /// A position whose attention weights to return.
    pub attention: Option<usize>,
}
