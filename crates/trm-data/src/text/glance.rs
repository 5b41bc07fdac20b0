//! What a file is, by its first bytes.

use std::path::Path;

use super::check::no_text;
use super::read_errors::unreadable;
use crate::disk::first_bytes;
use crate::error::DataError;
use crate::file_kind::FileKind;

/// Refuses a file at `path` that is nothing that could hold lines of JSON.
pub(crate) fn check_lines(path: &Path) -> Result<(), DataError> {
    let start = glance(path)?;
    match FileKind::of(&start) {
        FileKind::Empty | FileKind::OtherEncoding => Ok(()),
        kind if kind.is_utf8() && kind != FileKind::GitLfs => Ok(()),
        kind => no_text(&path.display().to_string(), &start, kind).map_or(Ok(()), Err),
    }
}

/// The kind of the file at `path`.
///
/// # Errors
/// If it cannot be read.
pub fn file_kind(path: &Path) -> Result<FileKind, DataError> {
    Ok(FileKind::of(&glance(path)?))
}

/// The first bytes of a file.
pub(crate) fn glance(path: &Path) -> Result<Vec<u8>, DataError> {
    first_bytes(path).map_err(|error| unreadable(path, &error))
}
