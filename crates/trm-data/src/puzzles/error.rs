//! Why puzzles cannot be used, and what to do about it.

use trm_spec::{Failure, FailureKind};

use crate::file_kind::FileKind;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "every variant has a message")]
pub enum PuzzleError {
    #[error("there are no puzzles in {name}")]
    Empty { name: String },
    /// `line` counts from 1.
    #[error("line {line} of {name}: {reason}")]
    Line { name: String, line: usize, reason: String },
    #[error("{name} lacks {part}")]
    Missing { name: String, part: String },
    #[error("{name} is not usable: {reason}")]
    Damaged { name: String, reason: String },
    #[error("{name} cannot be read: {reason}")]
    Unreadable { name: String, reason: String },
    #[error("{name} is {}, not a list of puzzles", .kind.what())]
    OtherKind { name: String, kind: FileKind },
    /// `line` counts from 1.
    #[error(
        "line {line} of {name}: the puzzle is {rows}×{cols}, but the model solves {side}×{side}"
    )]
    OtherSize { name: String, line: usize, rows: usize, cols: usize, side: usize },
    #[error("{name} holds {found}, and {wanted} are wanted")]
    OtherPuzzles { name: String, found: &'static str, wanted: &'static str },
    #[error("{name} is not JSON, and an ARC model reads tasks as JSON")]
    NotTasks { name: String },
    /// Why a file is no text, and what to do about it.
    #[error("{message}")]
    NotText { message: String, hint: String },
    #[error(
        "{name} has {puzzles} puzzles, and all that are not held out are copies of held-out ones"
    )]
    OnlyCopies { name: String, puzzles: usize },
    #[error("only {found} of {wanted} puzzles of {name} could be made")]
    TooFew { name: String, found: usize, wanted: usize },
    #[error("the model was not trained on the task {task}; it was trained on {known} others")]
    UnknownTask { task: String, known: usize },
    #[error("{task} is not the task that the model was trained on under this name")]
    OtherTask { task: String },
    #[error("there are no JSON files of tasks in {name}")]
    NoTaskFiles { name: String },
    #[error("{what}")]
    TooManyCopies { what: String, most: u64 },
    #[error("{what}")]
    Unusable { what: String },
}

impl PuzzleError {
    /// What to try next.
    pub fn hint(&self) -> String {
        match self {
            Self::Empty { .. } => "Give at least one puzzle.",
            Self::Line { .. } => "Correct that line, or leave it out.",
            Self::Missing { .. } => {
                "Give the folder that contains `train` and `test`, with all of its files."
            }
            Self::Damaged { .. } => "Correct it there, or copy it again from an intact source.",
            Self::Unreadable { .. } => "Check the path and its permissions.",
            Self::OtherKind { kind: FileKind::Json | FileKind::JsonLines, .. } => {
                "Sudokus and mazes are given as text or CSV, ARC's tasks as JSON to a model of ARC (dataset arc)."
            }
            Self::OtherKind { kind, .. } => kind.next_step(),
            Self::OtherSize { side, .. } => {
                return format!("Give puzzles of {side}×{side}, or a model of that other size.");
            }
            Self::OtherPuzzles { found, wanted, .. } => {
                return format!("Give {wanted}, or a model of {found}.");
            }
            Self::NotTasks { .. } => {
                "Give a JSON file of ARC tasks; Sudokus and mazes go to a model of theirs."
            }
            Self::NotText { hint, .. } => hint,
            Self::OnlyCopies { .. } => {
                "Give more different puzzles, or hold out fewer (--num-val-puzzles)."
            }
            Self::TooFew { .. } => "Request fewer puzzles, or a more common grade.",
            Self::UnknownTask { .. } => {
                "Train a model on this task: a model can answer only the tasks that it was trained on."
            }
            Self::OtherTask { .. } => "Give the tasks that the model was trained on.",
            Self::NoTaskFiles { .. } => "Name a JSON file of ARC tasks, or a folder of them.",
            Self::TooManyCopies { most, .. } => {
                return format!("Ask for {most} augmented copies at most.");
            }
            Self::Unusable { .. } => "Choose another size or grade.",
        }
        .into()
    }

    /// The error with `file` in place of the name that a text was read under.
    #[must_use]
    pub fn in_file(mut self, file: &str) -> Self {
        if let Self::Empty { name }
        | Self::Line { name, .. }
        | Self::Damaged { name, .. }
        | Self::OnlyCopies { name, .. }
        | Self::OtherSize { name, .. }
        | Self::OtherPuzzles { name, .. }
        | Self::NotTasks { name }
        | Self::OtherKind { name, .. } = &mut self
        {
            *name = file.into();
        }
        self
    }
}

impl From<PuzzleError> for Failure {
    fn from(error: PuzzleError) -> Self {
        let kind = match error {
            PuzzleError::NoTaskFiles { .. } | PuzzleError::TooManyCopies { .. } => {
                FailureKind::Config
            }
            _ => FailureKind::Data,
        };
        Self::new(kind, error.to_string(), error.hint())
    }
}
