//! Plain data shared by every side of TRM Playground: what a run is
//! ([`RunConfig`]), what the page and its worker say to each other
//! ([`Command`], [`Event`]) and what a model thought ([`Trace`]).
//!
//! Everything here is serde data with generated TypeScript. No tensors, no
//! files, no clock: those live in the crates that read these types.

mod arc;
#[cfg(feature = "llm")]
mod chat;
mod check;
mod config;
mod data_source;
mod failure;
mod family;
mod image;
mod json;
mod models;
mod protocol;
mod puzzle;
mod puzzle_kinds;
#[cfg(feature = "llm")]
mod question;
mod settings;
mod trace;
mod vocab;

pub use arc::{ArcAnswers, ArcCandidate, ArcPair, ArcPrediction, ArcTask, Colours};
#[cfg(feature = "llm")]
pub use chat::{BaseSummary, ChatMessage, ChatOptions, ChatRole};
pub use config::{
    DataSpec, Decay, DepthSampling, LossType, MAX_DEPTH, MAX_DIFFICULTY, MAX_SAMPLED, Objective,
    Optimizer, Precision, Prediction, RunConfig, Sampling, Schedule, Supervision, Tokenizer,
    TrainSpec,
};
pub use data_source::DataSource;
pub use failure::{Failure, FailureKind};
pub use family::Family;
pub use image::{
    ClassStep, Classification, ImageInput, ImageScores, ImageSplit, ImageStepScore, Mistake,
    ShownImage,
};
pub use json::{read_json, read_json_bytes};
#[cfg(feature = "toy-model")]
pub use models::ToyLmSpec;
pub use models::{
    ChatTrmSpec, ChunkLmSpec, DraftStart, ImageShape, Injection, MODELS, Mixing, ModelInfo,
    ModelSpec, Positions, Sizes, StateStart, StateUpdate, TrmLmSpec, TrmSpec, TrmVitSpec, VARIANTS,
    VariantSpec, VitSpec,
};
#[cfg(feature = "llm")]
pub use models::{LlamaSpec, LlmTrmSpec};
pub use protocol::{
    Backend, Command, DepthLoss, DeviceInfo, Event, GenerateOptions, Generated, Memory, RunSummary,
    Saved, StepReport,
};
pub use puzzle::{
    AnswerCheck, BrokenRule, HaltScore, PuzzleInfo, PuzzleInput, PuzzleScores, Solution,
    SolutionCount, Solved, StepScore,
};
pub use puzzle_kinds::{
    ArcKind, MazeKind, NO_GUESS_LIMIT, PUZZLE_KINDS, PuzzleKinds, SUDOKU_GRADES, SudokuGrade,
    SudokuKind,
};
#[cfg(feature = "llm")]
pub use question::{
    Answer, AnswerHalting, AnswerScore, AnswerStep, AnswerToken, Answered, Considered,
    DifficultyScore, QuestionScores,
};
pub use settings::{
    SETTINGS, Setting, SettingError, SettingKind, Tier, closest, differences, may_change,
    must_read, nearest, overlay, settings_of,
};
pub use trace::{Candidate, Trace, TraceStep};
#[cfg(feature = "llm")]
pub use vocab::Subwords;
pub use vocab::{ARC_TOKENS, KnownTask, Vocab};
