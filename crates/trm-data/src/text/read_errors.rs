//! Errors of files that cannot be read as text.

use std::io;
use std::path::Path;
use std::str::Utf8Error;

use crate::error::DataError;

pub(crate) fn unreadable(path: &Path, error: &io::Error) -> DataError {
    DataError::Unreadable { path: path.display().to_string(), reason: error.to_string() }
}

/// `bytes` come after the first `before` of the file.
pub(crate) fn not_utf8(path: &Path, bytes: &[u8], before: usize, error: Utf8Error) -> DataError {
    let marked = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]);
    DataError::NotUtf8 {
        path: path.display().to_string(),
        offset: before + error.valid_up_to(),
        utf16: before == 0 && marked,
    }
}
