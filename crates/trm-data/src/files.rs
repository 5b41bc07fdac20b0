//! Reading a text from disk.

use std::path::Path;
use std::str::Utf8Error;
use std::{fs, io};

use crate::json_lines::JsonLines;
use crate::{CorpusError, is_json_lines};

/// The text in the file at `path`.
pub fn read_text(path: &Path) -> Result<String, CorpusError> {
    let bytes = fs::read(path).map_err(|error| unreadable(path, &error))?;
    if bytes.is_empty() {
        return Err(CorpusError::Empty { name: path.display().to_string() });
    }
    String::from_utf8(bytes)
        .map_err(|error| not_utf8(path, error.as_bytes(), 0, error.utf8_error()))
}

/// The texts in the file at `path`: one, or of JSON lines all that stand in the
/// field `field` and are not empty. [`Corpus::from_texts`] makes of them the tokens
/// that `prepare` does.
///
/// [`Corpus::from_texts`]: crate::Corpus::from_texts
pub fn read_texts(path: &Path, field: &str) -> Result<Vec<String>, CorpusError> {
    if !is_json_lines(path) {
        return Ok(vec![read_text(path)?]);
    }
    let texts = JsonLines::open(path, field)?.collect::<Result<Vec<_>, _>>()?;
    if texts.is_empty() {
        return Err(CorpusError::Empty { name: path.display().to_string() });
    }
    Ok(texts)
}

pub(crate) fn unreadable(path: &Path, error: &io::Error) -> CorpusError {
    CorpusError::Unreadable { path: path.display().to_string(), reason: error.to_string() }
}

/// `bytes` come after the first `before` of the file.
pub(crate) fn not_utf8(path: &Path, bytes: &[u8], before: usize, error: Utf8Error) -> CorpusError {
    let marked = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]);
    CorpusError::NotUtf8 {
        path: path.display().to_string(),
        offset: before + error.valid_up_to(),
        utf16: before == 0 && marked,
    }
}
