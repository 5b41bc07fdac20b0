//! Reading a text from disk.

use std::fs;
use std::path::Path;

use super::check::{check, no_text};
use super::json_lines::{JsonLines, is_json_lines};
use super::read_errors::{not_utf8, unreadable};
use crate::disk::refuse_device;
use crate::error::DataError;
use crate::file_kind::FileKind;

/// The text in the file at `path`.
///
/// # Errors
/// If the file cannot be read, or is not UTF-8, or is something else than a text.
pub fn read_text(path: &Path) -> Result<String, DataError> {
    let bytes = read(path)?;
    check(&path.display().to_string(), &bytes)?;
    utf8(path, bytes)
}

/// The UTF-8 in the file at `path`: a text, JSON or a table.
///
/// # Errors
/// If the file cannot be read, or is not UTF-8.
pub fn read_utf8(path: &Path) -> Result<String, DataError> {
    let bytes = read(path)?;
    match FileKind::of(&bytes) {
        kind if kind.is_utf8() && kind != FileKind::GitLfs => utf8(path, bytes),
        kind => Err(no_text(&path.display().to_string(), &bytes, kind)
            .unwrap_or(DataError::Empty { name: path.display().to_string() })),
    }
}

/// As [`read_text`], whatever it looks like, as long as it is UTF-8.
///
/// # Errors
/// If the file cannot be read, or is not UTF-8.
pub fn read_as_text(path: &Path) -> Result<String, DataError> {
    utf8(path, read(path)?)
}

/// The texts in the file at `path`: one, or of JSON lines all that stand in the
/// field `field` and are not empty. [`TextDataset::from_texts`] makes of them the tokens
/// that `prepare` does.
///
/// [`TextDataset::from_texts`]: crate::TextDataset::from_texts
///
/// # Errors
/// If the file cannot be read, is not UTF-8 or no text, or a line is not JSON with the
/// field.
pub fn read_texts(path: &Path, field: &str) -> Result<Vec<String>, DataError> {
    if !is_json_lines(path) {
        return Ok(vec![read_text(path)?]);
    }
    let texts = JsonLines::open(path, field)?.collect::<Result<Vec<_>, _>>()?;
    if texts.is_empty() {
        return Err(DataError::Empty { name: path.display().to_string() });
    }
    Ok(texts)
}

fn read(path: &Path) -> Result<Vec<u8>, DataError> {
    let bytes = refuse_device(path).and_then(|()| fs::read(path));
    let bytes = bytes.map_err(|error| unreadable(path, &error))?;
    if bytes.is_empty() {
        return Err(DataError::Empty { name: path.display().to_string() });
    }
    Ok(bytes)
}

fn utf8(path: &Path, bytes: Vec<u8>) -> Result<String, DataError> {
    String::from_utf8(bytes).map_err(|error| not_utf8(path, 0, error.utf8_error()))
}
