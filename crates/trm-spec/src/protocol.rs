//! The protocol between the page and its worker. Exactly one event answers each
//! command; streams of text are pulled chunk by chunk.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

#[cfg(feature = "puzzles")]
use crate::{
    AnswerCheck, ArcAnswers, ArcCandidate, ArcPrediction, ArcTask, PuzzleInfo, PuzzleInput,
    PuzzleScores,
};
use crate::{DataSource, Failure, Family, RunConfig, Solved, Trace, Vocab};

/// The processor that a session computes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Backend {
    /// The CPU, in WebAssembly.
    Cpu,
    /// A GPU, through WebGPU.
    Webgpu,
}

/// The device of a session, as shown to people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct DeviceInfo {
    /// The processor.
    pub backend: Backend,
    /// For example `CPU (wasm SIMD, one thread)`, or the adapter's own name.
    pub name: String,
}

/// How text is generated. The same seed at another depth draws the same random
/// numbers, so that only the model differs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct GenerateOptions {
    /// The text to continue.
    pub prompt: String,
    /// Cycles of the recursion.
    pub depth: usize,
    /// 0 takes the most probable token.
    pub temperature: f64,
    /// Only the k most probable tokens; 0 means all.
    pub top_k: usize,
    /// Seed of the random numbers.
    pub seed: u32,
    /// Tokens after which generation ends.
    pub max_new_tokens: usize,
}

/// A request of the page. Byte arrays cross as `Uint8Array`. The module without puzzle
/// models has no commands for puzzles.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "type", rename_all = "snake_case")]
#[allow(missing_docs, reason = "each variant explains its fields")]
pub enum Command {
    /// Start a new run. Answered by `ready`.
    Create { config: RunConfig, data: DataSource },
    /// Load a saved model. Without `optimizer` the moments start from zero; without
    /// `data` the model can be used but not trained. Answered by `ready`.
    Load {
        #[serde(with = "serde_bytes")]
        #[ts(type = "Uint8Array")]
        checkpoint: Vec<u8>,
        #[serde(default, with = "serde_bytes")]
        #[ts(type = "Uint8Array | null")]
        optimizer: Option<Vec<u8>>,
        data: Option<DataSource>,
    },
    /// Give the loaded model its data, so that it can be trained. Answered by `ready`.
    Attach { data: DataSource },
    /// Train `n` steps. Answered by `stepped`.
    Step { n: usize },
    /// Validation loss at each depth, over at most `max_tokens` tokens of the
    /// split (0: all of it). Answered by `evaluated`.
    Evaluate { depths: Vec<usize>, max_tokens: usize },
    /// Open a stream of text from the weights as they are now. Several streams
    /// may be open. Answered by `generating`.
    Generate { options: GenerateOptions },
    /// Pull up to `n` tokens out of a stream; with `trace`, also the cycles that made
    /// them. Answered by `generated`.
    Pull {
        stream: u32,
        n: usize,
        #[serde(default)]
        trace: bool,
    },
    /// Drop a stream before its end. Answered by `closed`.
    Close { stream: u32 },
    /// The model's readout after every cycle, with the `top` most probable
    /// tokens of each position and, of the position `attention`, what every head
    /// looked at. Answered by `traced`.
    Trace { prompt: String, depth: usize, top: usize, attention: Option<usize> },
    /// What a model makes of the tokens after `prompt`, after every cycle: a chunk,
    /// or one token, with the `top` most probable ones. Answered by `drafted`.
    Draft { prompt: String, depth: usize, top: usize },
    /// A puzzle of a kind (`sudoku-9x9`, `maze-10x10`), with what the rules say of
    /// it. Needs no model. Answered by `puzzle_checked`.
    #[cfg(feature = "puzzles")]
    CheckPuzzle { kind: String, input: PuzzleInput },
    /// How the model answers a puzzle after each of `steps` supervision steps,
    /// with the `top` most probable tokens of each cell, and what the rules say of
    /// every answer. Answered by `puzzle_solved`.
    #[cfg(feature = "puzzles")]
    SolvePuzzle { kind: String, puzzle: Vec<u32>, steps: usize, top: usize },
    /// The tasks of a JSON file of ARC's. Needs no model. Answered by `tasks`.
    #[cfg(feature = "puzzles")]
    ReadTasks { name: String, text: String },
    /// The model's answers after each of `steps` supervision steps to a test of a
    /// task that it knows, under one augmentation. Test and augmentation count from
    /// 0; augmentation 0 is the test as it is. Answered by `arc_predicted`.
    #[cfg(feature = "puzzles")]
    PredictArc { task: ArcTask, test: usize, augmentation: usize, steps: usize },
    /// The majority vote over predictions, the best first; the first two are ARC's
    /// attempts. Needs no model. Answered by `voted`.
    #[cfg(feature = "puzzles")]
    Vote { predictions: Vec<ArcPrediction> },
    /// Scores on the first `puzzles` (0: all) held-out puzzles after each of
    /// `steps` supervision steps, and with halting. Answered by `puzzles_evaluated`.
    #[cfg(feature = "puzzles")]
    EvaluatePuzzles { steps: usize, puzzles: usize },
    /// Go on with this configuration, in which only live settings may differ from
    /// the run's own. Answered by `ready`.
    Configure { config: RunConfig },
    /// Everything needed to go on later. Answered by `saved`.
    Save,
    /// Time `steps` training steps of a configuration on generated data, beside
    /// the run and without touching it. Answered by `benchmarked`.
    Benchmark { config: RunConfig, steps: usize },
    /// What the session holds of the machine's memory. Answered by `memory`.
    MeasureMemory,
}

/// The answer to a command.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "type", rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "one event at a time, moved once")]
#[allow(missing_docs, reason = "each variant explains its fields")]
pub enum Event {
    /// The run as it is now.
    Ready { summary: RunSummary },
    /// One report for each step.
    Stepped { reports: Vec<StepReport> },
    /// Losses after `step` steps, by depth.
    Evaluated { step: usize, depths: Vec<DepthLoss> },
    /// The number of the new stream.
    Generating { stream: u32 },
    /// Text from a stream.
    Generated { stream: u32, output: Generated },
    /// The stream is closed.
    Closed { stream: u32 },
    /// The readouts of the prompt after `step` steps.
    Traced { step: usize, trace: Trace, vocab: Vocab },
    /// The tokens of the prompt, and the readouts of the positions after it.
    Drafted { step: usize, draft: Trace, vocab: Vocab },
    /// The puzzle and what the rules say about it.
    #[cfg(feature = "puzzles")]
    PuzzleChecked { puzzle: PuzzleInfo },
    /// The answers after each supervision step, of the model after `step` steps.
    #[cfg(feature = "puzzles")]
    PuzzleSolved {
        step: usize,
        trace: Trace,
        /// By supervision step.
        checks: Vec<AnswerCheck>,
    },
    /// The tasks of the file.
    #[cfg(feature = "puzzles")]
    Tasks { tasks: Vec<ArcTask> },
    /// The answers after each supervision step, of the model after `step` steps.
    #[cfg(feature = "puzzles")]
    ArcPredicted { step: usize, answers: ArcAnswers },
    /// The answers by their votes, the best first.
    #[cfg(feature = "puzzles")]
    Voted { candidates: Vec<ArcCandidate> },
    /// Scores on held-out puzzles after `step` steps.
    #[cfg(feature = "puzzles")]
    PuzzlesEvaluated { step: usize, scores: PuzzleScores },
    /// The files of the run.
    Saved { saved: Saved },
    /// Time and tokens of one update.
    Benchmarked { ms_per_step: f64, tokens_per_step: usize },
    /// Memory in use.
    Memory { memory: Memory },
    /// The command failed; the session is as before it.
    Failed { failure: Failure },
}

/// A run: its configuration, its sizes and its progress.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct RunSummary {
    /// The whole configuration.
    pub config: RunConfig,
    /// The family of the model.
    pub family: Family,
    /// The meaning of its tokens.
    pub vocab: Vocab,
    /// Numbers in the model.
    pub parameters: usize,
    /// Steps done.
    pub step: usize,
    /// Whether it has data to train on.
    pub trainable: bool,
    /// Tokens of the training data.
    pub train_tokens: usize,
    /// Tokens of the validation data.
    pub val_tokens: usize,
    /// Loss of guessing uniformly, ln(vocabulary), in nats.
    pub chance_loss: f64,
    /// Tokens that one update of the weights sees, over all accumulated batches.
    pub tokens_per_step: usize,
    /// Floating-point operations that training spends on one token, on average.
    pub training_flops_per_token: f64,
}

/// Memory in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Memory {
    /// Memory of the WebAssembly module: it grows and never shrinks.
    pub wasm: usize,
    /// Memory that the GPU has reserved, where the driver reports it.
    pub device: Option<u64>,
}

/// One training step.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct StepReport {
    /// Steps done after this one.
    pub step: usize,
    /// Training loss of the batch, in nats per token.
    pub loss: f64,
    /// Learning rate of the step.
    pub learning_rate: f64,
    /// Cycles that this step ran.
    pub depth: usize,
    /// Accuracy on the puzzles that halted in this step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub solved: Option<Solved>,
}

/// Loss at one depth.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct DepthLoss {
    /// Cycles, or supervision steps of a puzzle model.
    pub depth: usize,
    /// Mean cross-entropy, in nats per token.
    pub loss: f64,
    /// `exp(loss)`.
    pub perplexity: f64,
    /// Loss in bits per character of the text; absent for puzzles, as the next two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub bits_per_char: Option<f64>,
    /// Loss in bits per byte of UTF-8, which does not depend on the tokenizer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub bits_per_byte: Option<f64>,
    /// `exp` of the loss per word, which does not depend on the tokenizer. A word is a
    /// run of characters without white space.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub word_perplexity: Option<f64>,
    /// Loss when every draft starts from its own targets, as published; only for models
    /// that demonstrate this label leak. It says nothing about the quality of the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub leaking_loss: Option<f64>,
}

/// A piece of generated text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Generated {
    /// The text of the tokens. Bytes that do not make up a whole character yet come with
    /// the token that completes it.
    pub text: String,
    /// Its tokens.
    pub tokens: Vec<u32>,
    /// The part of the text that each token added; together they are the text. A
    /// character of several tokens belongs to the last of them.
    #[serde(default)]
    pub pieces: Vec<String>,
    /// Whether the stream has ended.
    pub done: bool,
    /// The cycles that made the tokens, where they were asked for: position i is the
    /// readout that token i was drawn from, and `tokens` are these tokens. A chunk that
    /// an earlier pull began without a trace has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub trace: Option<Trace>,
}

/// A run in two files: the model, which is complete by itself, and the state of the
/// training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Saved {
    /// The model, as safetensors.
    #[serde(with = "serde_bytes")]
    #[ts(type = "Uint8Array")]
    pub checkpoint: Vec<u8>,
    /// Moments, averaged weights and carried states, as safetensors.
    #[serde(with = "serde_bytes")]
    #[ts(type = "Uint8Array")]
    pub optimizer: Vec<u8>,
    /// Steps done.
    pub step: usize,
}
