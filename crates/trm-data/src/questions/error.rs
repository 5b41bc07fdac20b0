//! Why questions cannot be used, and what to do about it.

use trm_spec::{Failure, FailureKind};

use crate::file_kind::FileKind;

/// What questions are wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuestionPart {
    /// One set of their own.
    All,
    /// The training questions.
    Train,
    /// The held-out ones of the same difficulties.
    Val,
    /// The harder ones.
    Harder,
}

impl QuestionPart {
    fn purpose(self) -> &'static str {
        match self {
            Self::All => "",
            Self::Train => " to train on",
            Self::Val => " to hold out",
            Self::Harder => " for the harder set",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "every variant has a message")]
pub enum QuestionError {
    #[error("{name} cannot be read: {reason}")]
    Unreadable { name: String, reason: String },
    #[error("{name} is not UTF-8 text: invalid byte at offset {offset}")]
    NotUtf8 { name: String, offset: usize },
    #[error("{name} is {}, not JSON of questions", .kind.what())]
    OtherKind { name: String, kind: FileKind },
    /// `place` is a line or an entry, from 1.
    #[error("{place} of {name} is not JSON: {reason}")]
    NotJson { name: String, place: String, reason: String },
    /// A name comes twice in one object.
    #[error("{place} of {name}: {reason}")]
    Twice { name: String, place: String, reason: String },
    #[error("{place} of {name} is {found}, not an object")]
    NotObject { name: String, place: String, found: &'static str },
    #[error("{place} of {name} has no field `{field}`")]
    MissingField { name: String, place: String, field: &'static str },
    #[error("{place} of {name}: the field `{field}` is {found}, not {wanted}")]
    WrongType {
        name: String,
        place: String,
        field: &'static str,
        found: &'static str,
        wanted: &'static str,
    },
    #[error("{place} of {name}: the field `{field}` is empty")]
    EmptyField { name: String, place: String, field: &'static str },
    #[error("{first} and {second} of {name} have the same question, but different answers")]
    Contradiction { name: String, first: String, second: String },
    #[error("there are no questions in {name}")]
    NoQuestions { name: String },
    #[error("{name} has {found} different questions, too few to hold some out for validation")]
    TooFewToSplit { name: String, found: usize },
    #[error(
        "`{kind}` has only {found} different questions of difficulty {easiest} to {hardest}{}, but {wanted} are needed",
        .part.purpose()
    )]
    TooFew {
        kind: &'static str,
        part: QuestionPart,
        found: u64,
        wanted: usize,
        easiest: usize,
        hardest: usize,
        /// The least `max_difficulty` with enough questions for all parts.
        enough: Option<usize>,
    },
    /// A file of the frozen model's states.
    #[error("{path} cannot be used: {reason}")]
    States { path: String, reason: String },
    #[error("difficulties {easiest} to {hardest} cannot be generated")]
    Difficulties {
        easiest: usize,
        hardest: usize,
        /// The greatest that can.
        most: usize,
    },
}

impl QuestionError {
    #[cfg(feature = "files")]
    pub(super) fn states(path: &std::path::Path, error: &std::io::Error) -> Self {
        Self::States { path: path.display().to_string(), reason: error.to_string() }
    }

    /// What to try next.
    pub fn hint(&self) -> String {
        match self {
            Self::Unreadable { .. } => "Check the path and its permissions.".into(),
            Self::NotUtf8 { .. } => "Save it as UTF-8, or check that it is a text file.".into(),
            Self::OtherKind { kind, .. } => kind.next_step().into(),
            Self::Twice { .. } => "Remove or rename one of the two.".into(),
            Self::NotJson { .. }
            | Self::NotObject { .. }
            | Self::MissingField { .. }
            | Self::WrongType { .. } => {
                "Give JSON lines, or one JSON array, of objects like {\"question\": \"…\", \"answer\": \"…\"}, with a whole number \"difficulty\" if it is known."
                    .into()
            }
            Self::States { .. } => {
                "It holds states of the frozen model, which are computed once. Check the free space and the permissions of its folder; the file may be removed."
                    .into()
            }
            Self::EmptyField { .. } => "Complete that entry, or remove it.".into(),
            Self::Contradiction { .. } => "Remove one of the two.".into(),
            Self::NoQuestions { .. } => "Give at least five questions.".into(),
            Self::TooFewToSplit { .. } => {
                "Give at least five questions: every fifth is held out at most.".into()
            }
            Self::TooFew { part: QuestionPart::All, .. } => {
                "Ask for fewer questions, or for more difficulties.".into()
            }
            Self::TooFew { part, found, enough, .. } => {
                let setting = match part {
                    QuestionPart::Train | QuestionPart::All => "num_questions",
                    QuestionPart::Val | QuestionPart::Harder => "num_val_questions",
                };
                match (enough, found) {
                    (Some(enough), 0) => format!("Raise max_difficulty to {enough}."),
                    (Some(enough), _) => {
                        format!("Raise max_difficulty to {enough}, or lower {setting} to {found}.")
                    }
                    (None, 0) => "Choose other difficulties.".into(),
                    (None, _) => format!("Lower {setting} to {found}."),
                }
            }
            Self::Difficulties { most, .. } => {
                format!("Choose a range of difficulties between 1 and {most}.")
            }
        }
    }
}

impl From<QuestionError> for Failure {
    fn from(error: QuestionError) -> Self {
        let kind = match error {
            QuestionError::TooFew { .. } | QuestionError::Difficulties { .. } => {
                FailureKind::Config
            }
            _ => FailureKind::Data,
        };
        Self::new(kind, error.to_string(), error.hint())
    }
}
