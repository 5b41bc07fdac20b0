//! Where questions come from.

#[cfg(feature = "files")]
use std::path::Path;
use std::sync::Arc;

use super::error::QuestionError;
use super::file::parse;
use super::kind::QuestionKind;
use super::question::Question;
#[cfg(feature = "files")]
use crate::disk::refuse_device;
#[cfg(feature = "files")]
use crate::file_kind::FileKind;

/// Where questions come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QuestionSource {
    /// They are generated.
    Generated(QuestionKind),
    /// They are the user's own.
    Given {
        /// What they are called.
        name: String,
        /// All of them, in the order of their file.
        questions: Arc<Vec<Question>>,
    },
}

impl QuestionSource {
    /// The questions of a JSON text: an array of objects, or an object on each line.
    /// Each has a `question`, an `answer` and, if it is known, a `difficulty`.
    ///
    /// # Errors
    /// If it is not of this form, an entry is empty, two of them contradict each
    /// other, or there are none.
    pub fn parse(name: &str, text: &str) -> Result<Self, QuestionError> {
        Ok(Self::Given { name: name.into(), questions: Arc::new(parse(name, text)?) })
    }

    /// The questions of a JSON file, called by its name.
    ///
    /// # Errors
    /// If it cannot be read, and as of [`parse`](Self::parse).
    #[cfg(feature = "files")]
    pub fn read(path: &Path) -> Result<Self, QuestionError> {
        let shown = || path.display().to_string();
        let bytes = refuse_device(path).and_then(|()| std::fs::read(path));
        let unreadable = |error: std::io::Error| QuestionError::Unreadable {
            name: shown(),
            reason: error.to_string(),
        };
        let bytes = bytes.map_err(unreadable)?;
        let kind = FileKind::of_start(&bytes);
        let known = kind.is_utf8() && !matches!(kind, FileKind::Html | FileKind::GitLfs);
        if !known && !matches!(kind, FileKind::Empty | FileKind::OtherEncoding) {
            return Err(QuestionError::OtherKind { name: shown(), kind });
        }
        let text = String::from_utf8(bytes).map_err(|error| QuestionError::NotUtf8 {
            name: shown(),
            offset: error.utf8_error().valid_up_to(),
        })?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        Self::parse(&name, &text)
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        match self {
            Self::Generated(kind) => kind.name(),
            Self::Given { name, .. } => name,
        }
    }
}
