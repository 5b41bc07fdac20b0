//! What the page asks of a session, and what it hears back. One command is
//! answered by exactly one event; streams are pulled, chunk by chunk.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

#[cfg(feature = "puzzles")]
use crate::{
    AnswerCheck, ArcAnswers, ArcCandidate, ArcPrediction, ArcTask, PuzzleInfo, PuzzleInput,
    PuzzleScores,
};
use crate::{DataSource, Failure, Family, RunConfig, Solved, Trace, Vocab};

/// Which arithmetic unit a session computes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Backend {
    /// The CPU: one thread of SIMD in the browser.
    Cpu,
    /// WebGPU.
    Webgpu,
}

/// The device of a session, as shown to people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct DeviceInfo {
    /// Where it computes.
    pub backend: Backend,
    /// For example `CPU (wasm SIMD, one thread)`, or the adapter's own name.
    pub name: String,
}

/// How text is generated. The same seed at another depth draws the same random
/// numbers, so that only the model differs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct GenerateOptions {
    /// The text before the generated one.
    pub prompt: String,
    /// Cycles of the recursion.
    pub depth: usize,
    /// 0 takes the most probable token.
    pub temperature: f64,
    /// Only the k most probable tokens; 0 means all.
    pub top_k: usize,
    /// Seed of the sampling.
    pub seed: u32,
    /// Tokens to generate.
    pub max_new_tokens: usize,
}

/// What the page asks. Byte arrays cross as `Uint8Array`. What concerns puzzles is
/// left out of the module that holds none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Command {
    /// Start a new run. Answered by `ready`.
    Create {
        /// The whole configuration.
        config: RunConfig,
        /// Where the data comes from.
        data: DataSource,
    },
    /// Load a saved model. Without `optimizer` the moments start from zero; without
    /// `data` the model can be used but not trained. Answered by `ready`.
    Load {
        /// The model file, safetensors.
        #[serde(with = "serde_bytes")]
        #[ts(type = "Uint8Array")]
        checkpoint: Vec<u8>,
        /// The optimizer file, safetensors.
        #[serde(default, with = "serde_bytes")]
        #[ts(type = "Uint8Array | null")]
        optimizer: Option<Vec<u8>>,
        /// Where the data comes from.
        data: Option<DataSource>,
    },
    /// Give the loaded model its data, so that it can be trained. Answered by `ready`.
    Attach {
        /// Where the data comes from.
        data: DataSource,
    },
    /// Train `n` steps. Answered by `stepped`.
    Step {
        /// Steps.
        n: usize,
    },
    /// Validation loss at each depth, over at most `max_tokens` tokens of the
    /// split (0: all of it). Answered by `evaluated`.
    Evaluate {
        /// Cycles of each evaluation.
        depths: Vec<usize>,
        /// Tokens of the split that are scored; 0 means all.
        max_tokens: usize,
    },
    /// Open a stream of text from the weights as they are now. Several streams
    /// may be open. Answered by `generating`.
    Generate {
        /// Prompt, depth and sampling.
        options: GenerateOptions,
    },
    /// Pull up to `n` tokens out of a stream; with `trace`, also the cycles that made
    /// them. Answered by `generated`.
    Pull {
        /// Number of the stream.
        stream: u32,
        /// Tokens at most.
        n: usize,
        /// Whether to return the cycles too.
        #[serde(default)]
        trace: bool,
    },
    /// Drop a stream before its end. Answered by `closed`.
    Close {
        /// Number of the stream.
        stream: u32,
    },
    /// The model's readout after every cycle, with the `top` most probable
    /// tokens of each position and, of the position `attention`, what every head
    /// looked at. Answered by `traced`.
    Trace {
        /// The text before the generated one.
        prompt: String,
        /// Cycles.
        depth: usize,
        /// Tokens listed for each position.
        top: usize,
        /// Position whose attention is returned.
        attention: Option<usize>,
    },
    /// What a model makes of the tokens after `prompt`, after every cycle: a chunk,
    /// or one token, with the `top` most probable ones. Answered by `drafted`.
    Draft {
        /// The text before the generated one.
        prompt: String,
        /// Cycles.
        depth: usize,
        /// Tokens listed for each position.
        top: usize,
    },
    /// A puzzle of a kind (`sudoku-9x9`, `maze-10x10`), with what the rules say of
    /// it. Needs no model. Answered by `puzzle_checked`.
    #[cfg(feature = "puzzles")]
    CheckPuzzle {
        /// The kind of puzzle, as `dataset` names it.
        kind: String,
        /// Where the puzzle comes from.
        input: PuzzleInput,
    },
    /// How the model answers a puzzle after each of `steps` supervision steps,
    /// with the `top` most probable tokens of each cell, and what the rules say of
    /// every answer. Answered by `puzzle_solved`.
    #[cfg(feature = "puzzles")]
    SolvePuzzle {
        /// The kind of puzzle, as `dataset` names it.
        kind: String,
        /// The token of each cell.
        puzzle: Vec<u32>,
        /// Supervision steps.
        steps: usize,
        /// Tokens listed for each position.
        top: usize,
    },
    /// The tasks of a JSON file of ARC's. Needs no model. Answered by `tasks`.
    #[cfg(feature = "puzzles")]
    ReadTasks {
        /// Name of the file, for messages.
        name: String,
        /// Content of the file.
        text: String,
    },
    /// The model's answers after each of `steps` supervision steps to a test of a
    /// task that it knows, under one augmentation. Test and augmentation count from
    /// 0; augmentation 0 is the test as it is. Answered by `arc_predicted`.
    #[cfg(feature = "puzzles")]
    PredictArc {
        /// The task.
        task: ArcTask,
        /// Index of the test.
        test: usize,
        /// Index of the augmentation; 0 is none.
        augmentation: usize,
        /// Supervision steps.
        steps: usize,
    },
    /// The majority vote over predictions, the best first; the first two are ARC's
    /// attempts. Needs no model. Answered by `voted`.
    #[cfg(feature = "puzzles")]
    Vote {
        /// One prediction for each augmentation.
        predictions: Vec<ArcPrediction>,
    },
    /// Scores on the first `puzzles` (0: all) held-out puzzles after each of
    /// `steps` supervision steps, and with halting. Answered by `puzzles_evaluated`.
    #[cfg(feature = "puzzles")]
    EvaluatePuzzles {
        /// Supervision steps.
        steps: usize,
        /// Puzzles that are scored; 0 means all.
        puzzles: usize,
    },
    /// Go on with this configuration, in which only live settings may differ from
    /// the run's own. Answered by `ready`.
    Configure {
        /// The whole configuration.
        config: RunConfig,
    },
    /// Everything needed to go on later. Answered by `saved`.
    Save,
    /// Time `steps` training steps of a configuration on generated data, beside
    /// the run and without touching it. Answered by `benchmarked`.
    Benchmark {
        /// The whole configuration.
        config: RunConfig,
        /// Steps that are timed.
        steps: usize,
    },
    /// What the session holds of the machine's memory. Answered by `memory`.
    MeasureMemory,
}

/// What a session answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "type", rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "one event at a time, moved once")]
pub enum Event {
    /// There is a run; the answer to `create`, `load`, `attach` and `configure`.
    Ready {
        /// The run.
        summary: RunSummary,
    },
    /// Steps were made.
    Stepped {
        /// One report for each step.
        reports: Vec<StepReport>,
    },
    /// Validation losses.
    Evaluated {
        /// Steps done by the model that answers.
        step: usize,
        /// One row for each depth.
        depths: Vec<DepthLoss>,
    },
    /// A stream is open.
    Generating {
        /// Number of the stream.
        stream: u32,
    },
    /// A piece of a stream.
    Generated {
        /// Number of the stream.
        stream: u32,
        /// The piece.
        output: Generated,
    },
    /// The stream is closed.
    Closed {
        /// Number of the stream.
        stream: u32,
    },
    /// The readouts of a prompt.
    Traced {
        /// Steps done by the model that answers.
        step: usize,
        /// The readout after every cycle.
        trace: Trace,
    },
    /// `tokens` are the prompt's; the steps tell of the positions after it.
    Drafted {
        /// Steps done by the model that answers.
        step: usize,
        /// The readout after every cycle.
        draft: Trace,
    },
    /// A puzzle, checked by the rules.
    #[cfg(feature = "puzzles")]
    PuzzleChecked {
        /// The puzzle.
        puzzle: PuzzleInfo,
    },
    /// The answers to a puzzle.
    #[cfg(feature = "puzzles")]
    PuzzleSolved {
        /// Steps done by the model that answers.
        step: usize,
        /// The readout after every supervision step.
        trace: Trace,
        /// By supervision step.
        checks: Vec<AnswerCheck>,
    },
    /// The tasks of a file.
    #[cfg(feature = "puzzles")]
    Tasks {
        /// The tasks, in the order of the file.
        tasks: Vec<ArcTask>,
    },
    /// The answers to a test.
    #[cfg(feature = "puzzles")]
    ArcPredicted {
        /// Steps done by the model that answers.
        step: usize,
        /// The answer after every supervision step.
        answers: ArcAnswers,
    },
    /// The result of the vote.
    #[cfg(feature = "puzzles")]
    Voted {
        /// Answers, the best first.
        candidates: Vec<ArcCandidate>,
    },
    /// Scores on held-out puzzles.
    #[cfg(feature = "puzzles")]
    PuzzlesEvaluated {
        /// Steps done by the model that answers.
        step: usize,
        /// Scores by step and with halting.
        scores: PuzzleScores,
    },
    /// The run as files.
    Saved {
        /// The files.
        saved: Saved,
    },
    /// The time of a training step.
    Benchmarked {
        /// Mean time of one step, in milliseconds.
        ms_per_step: f64,
        /// Tokens in one step.
        tokens_per_step: usize,
    },
    /// The memory that the session holds.
    Memory {
        /// The memory, in bytes.
        memory: Memory,
    },
    /// The command failed; the run stays as it was.
    Failed {
        /// What failed, and what to do.
        failure: Failure,
    },
}

/// What a run is, and where it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct RunSummary {
    /// The configuration of the run.
    pub config: RunConfig,
    /// The family of the model.
    pub family: Family,
    /// What the token numbers mean.
    pub vocab: Vocab,
    /// Numbers in the model.
    pub parameters: usize,
    /// Steps done.
    pub step: usize,
    /// Whether there is a text to train on.
    pub trainable: bool,
    /// Tokens to train on.
    pub train_tokens: usize,
    /// Tokens held out for validation.
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
    /// The module's own: it grows and never shrinks.
    pub wasm: usize,
    /// What the graphics device has reserved, where it says.
    pub device: Option<u64>,
}

/// One training step.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct StepReport {
    /// Steps done after this one.
    pub step: usize,
    /// Training loss of the batch, in nats per token.
    pub loss: f64,
    /// Learning rate of this step.
    pub learning_rate: f64,
    /// Cycles this step ran.
    pub depth: usize,
    /// How the puzzles were answered that were done in this step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub solved: Option<Solved>,
}

/// Loss at one depth.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct DepthLoss {
    /// Cycles.
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
    /// Loss when every draft starts at its own answer, as published; of models that
    /// show this leak. It says nothing about the model.
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
    /// The generated tokens.
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

/// A run in two files: the model, which stands alone, and what only training needs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Saved {
    /// The model file, safetensors.
    #[serde(with = "serde_bytes")]
    #[ts(type = "Uint8Array")]
    pub checkpoint: Vec<u8>,
    /// The optimizer file, safetensors.
    #[serde(with = "serde_bytes")]
    #[ts(type = "Uint8Array")]
    pub optimizer: Vec<u8>,
    /// Steps done by the model that answers.
    pub step: usize,
}
