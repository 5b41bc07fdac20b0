//! Reading a text from disk.

use std::fs;
use std::path::Path;

use crate::CorpusError;

/// The text in the file at `path`.
pub fn read_text(path: &Path) -> Result<String, CorpusError> {
    let name = path.display().to_string();
    let bytes = fs::read(path).map_err(|error| CorpusError::Unreadable {
        path: name.clone(),
        reason: error.to_string(),
    })?;
    if bytes.is_empty() {
        return Err(CorpusError::Empty { name });
    }
    String::from_utf8(bytes).map_err(|error| CorpusError::NotUtf8 {
        path: name,
        offset: error.utf8_error().valid_up_to(),
        utf16: error.as_bytes().starts_with(&[0xff, 0xfe])
            || error.as_bytes().starts_with(&[0xfe, 0xff]),
    })
}
