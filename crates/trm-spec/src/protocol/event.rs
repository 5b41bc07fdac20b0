//! What a session answers: one event for each command.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::report::{DepthLoss, Generated, Memory, RunSummary, Saved, StepReport};
#[cfg(feature = "puzzles")]
use crate::{AnswerCheck, ArcAnswers, ArcCandidate, ArcTask, PuzzleInfo, PuzzleScores};
#[cfg(feature = "llm")]
use crate::{BaseSummary, Considered};
#[cfg(feature = "images")]
use crate::{Classification, ImageScores, ShownImage};
use crate::{Failure, Trace};

/// What a session answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "type", rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "one event at a time, moved once")]
pub enum Event {
    /// There is a run; the answer to `create`, `load`, `attach`, `join` and `configure`.
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
    /// The class of an image.
    #[cfg(feature = "images")]
    Classified {
        /// Steps done by the model that answers.
        step: usize,
        /// The class after every outer step.
        classification: Classification,
    },
    /// Scores on a split.
    #[cfg(feature = "images")]
    ImagesEvaluated {
        /// Steps done by the model that answers.
        step: usize,
        /// Scores by outer step.
        scores: ImageScores,
    },
    /// Images for display.
    #[cfg(feature = "images")]
    Images {
        /// The images, in the order in which they were asked for.
        images: Vec<ShownImage>,
    },
    /// A pretrained language model is open.
    #[cfg(feature = "llm")]
    BaseOpen {
        /// What it is.
        base: BaseSummary,
    },
    /// A question that the model has thought about.
    #[cfg(feature = "llm")]
    Considered {
        /// Steps done by the model that answers.
        step: usize,
        /// What it would answer after each supervision step.
        considered: Considered,
        /// The streams with its answers, by depth as asked.
        streams: Vec<u32>,
    },
    /// The run as files.
    Saved {
        /// The files.
        saved: Saved,
    },
    /// The weights for inference as a file.
    Exported {
        /// The model file, safetensors.
        #[serde(with = "serde_bytes")]
        #[ts(type = "Uint8Array")]
        checkpoint: Vec<u8>,
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
