//! Whether bytes are a text to train on.

use crate::error::DataError;
use crate::file_kind::{FileKind, GLANCE, first_control};

/// Refuses what is no text, by its bytes.
///
/// # Errors
/// If `bytes`, those of a file or its beginning, are something else than a text in
/// UTF-8.
pub(crate) fn check(name: &str, bytes: &[u8]) -> Result<(), DataError> {
    let whole = bytes.len() <= GLANCE;
    let kind = FileKind::of_start(bytes);
    if let Some(error) = no_text(name, bytes, kind) {
        return Err(error);
    }
    // JSON is known by its end too, and what is no text may begin later.
    let kind = if whole { FileKind::Text } else { FileKind::of(bytes) };
    let json = matches!(kind, FileKind::Json | FileKind::JsonLines);
    match no_text(name, bytes, kind).filter(|_| !json) {
        Some(error) => Err(error),
        None => Ok(()),
    }
}

/// Why a file of this kind is no text, unless it is one or another error says better
/// what is wrong.
pub(crate) fn no_text(name: &str, bytes: &[u8], kind: FileKind) -> Option<DataError> {
    let name = name.to_owned();
    match kind {
        FileKind::Text | FileKind::OtherEncoding if is_utf8(bytes) => None,
        FileKind::Text | FileKind::OtherEncoding => {
            let offset = std::str::from_utf8(bytes).err().map_or(0, |error| error.valid_up_to());
            Some(DataError::NotUtf8 { path: name, offset })
        }
        FileKind::Empty => Some(DataError::Empty { name }),
        _ => {
            let offset = first_control(bytes).filter(|_| kind == FileKind::Binary);
            Some(DataError::NotAText { path: name, kind, offset })
        }
    }
}

/// Whether `bytes` are UTF-8, of which the end of a longer text may be missing.
fn is_utf8(bytes: &[u8]) -> bool {
    match std::str::from_utf8(bytes) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none() && bytes.len() >= GLANCE,
    }
}
