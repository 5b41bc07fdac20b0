//! Text as it is tokenised: the same wherever it was saved.

use std::borrow::Cow;

/// Drops a byte-order mark and turns Windows line ends into plain ones, so that
/// the same text gives the same tokens wherever it was saved.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.contains("\r\n") { text.replace("\r\n", "\n").into() } else { text.into() }
}
