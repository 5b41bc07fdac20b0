//! Errors of files that cannot be read as text.

use std::io;
use std::path::Path;
use std::str::Utf8Error;

use crate::error::DataError;

pub(crate) fn unreadable(path: &Path, error: &io::Error) -> DataError {
    DataError::Unreadable { path: path.display().to_string(), reason: error.to_string() }
}

/// The bytes that `error` is about come after the first `before` of the file.
pub(crate) fn not_utf8(path: &Path, before: usize, error: Utf8Error) -> DataError {
    DataError::NotUtf8 { path: path.display().to_string(), offset: before + error.valid_up_to() }
}
