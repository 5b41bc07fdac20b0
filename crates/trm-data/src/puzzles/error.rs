//! Why puzzles cannot be used, and what to do about it.

use trm_spec::{Failure, FailureKind};

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
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
    #[error("only {found} of {wanted} puzzles of {name} could be made")]
    TooFew { name: String, found: usize, wanted: usize },
    #[error("the model does not know the task {task}; it was trained on {known} others")]
    UnknownTask { task: String, known: usize },
    #[error("{task} is not the task that the model learned under this name")]
    OtherTask { task: String },
    #[error("there are no JSON files of tasks in {name}")]
    NoTaskFiles { name: String },
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
                "Name the folder that holds `train` and `test`, and copy it whole."
            }
            Self::Damaged { .. } => "Copy it again from where it is whole, or make it again.",
            Self::Unreadable { .. } => "Check the path and its permissions.",
            Self::TooFew { .. } => "Ask for fewer, or for a grade that is not so rare.",
            Self::UnknownTask { .. } => {
                "Train a model with this task among its own: its examples are learned, not read."
            }
            Self::OtherTask { .. } => "Give the tasks that the model was trained on.",
            Self::NoTaskFiles { .. } => "Name a JSON file of ARC tasks, or a folder of them.",
            Self::Unusable { .. } => "Choose another size or grade.",
        }
        .into()
    }
}

impl From<PuzzleError> for Failure {
    fn from(error: PuzzleError) -> Self {
        let kind = match error {
            PuzzleError::NoTaskFiles { .. } => FailureKind::Config,
            _ => FailureKind::Corpus,
        };
        Self::new(kind, error.to_string(), error.hint())
    }
}
