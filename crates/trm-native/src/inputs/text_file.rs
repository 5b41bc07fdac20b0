//! Small text files: configurations and lists of tokens.

use std::path::Path;

use anyhow::Context;
use trm_data::FileKind;
use trm_spec::{Failure, FailureKind};

/// The UTF-8 in the file at `path`, without a byte order mark.
///
/// # Errors
/// If the file cannot be read, or is something else than text: the message says what.
pub fn read(path: &Path) -> anyhow::Result<String> {
    let bytes = trm_data::refuse_device(path).and_then(|()| std::fs::read(path));
    let bytes = bytes.with_context(|| format!("cannot read {}", path.display()))?;
    let kind = FileKind::of_start(&bytes);
    let is_text = kind.is_utf8() && !matches!(kind, FileKind::Html | FileKind::GitLfs);
    if !is_text && kind != FileKind::Empty {
        let message =
            format!("{} is {}, and a text in UTF-8 is wanted", path.display(), kind.what());
        return Err(Failure::new(FailureKind::Data, message, kind.next_step()).into());
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let offset = error.utf8_error().valid_up_to();
        let message = format!("{} is not UTF-8: invalid byte at offset {offset}", path.display());
        Failure::new(FailureKind::Data, message, FileKind::OtherEncoding.next_step())
    })?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}
