//! Reading a text from disk.

use std::fs;
use std::path::Path;

use super::json_lines::{JsonLines, is_json_lines};
use super::read_errors::{not_utf8, unreadable};
use crate::error::DataError;

/// The text in the file at `path`.
///
/// # Errors
/// If the file cannot be read, or is not UTF-8.
pub fn read_text(path: &Path) -> Result<String, DataError> {
    let bytes = fs::read(path).map_err(|error| unreadable(path, &error))?;
    if bytes.is_empty() {
        return Err(DataError::Empty { name: path.display().to_string() });
    }
    String::from_utf8(bytes)
        .map_err(|error| not_utf8(path, error.as_bytes(), 0, error.utf8_error()))
}

/// The texts in the file at `path`: one, or of JSON lines all that stand in the
/// field `field` and are not empty. [`TextDataset::from_texts`] makes of them the tokens
/// that `prepare` does.
///
/// [`TextDataset::from_texts`]: crate::TextDataset::from_texts
///
/// # Errors
/// If the file cannot be read, is not UTF-8, or a line is not JSON with the field.
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
