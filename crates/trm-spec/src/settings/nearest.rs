//! The known name that is nearest to a wrong one.

use super::SETTINGS;

/// The known setting whose name is closest to `key`, if any is close.
pub fn nearest(key: &str) -> Option<&'static str> {
    closest(&key.replace('-', "_"), SETTINGS.iter().map(|setting| setting.key))
}

/// The word of `known` that is closest to `word`, if any is close.
pub(super) fn closest(
    word: &str,
    known: impl Iterator<Item = &'static str>,
) -> Option<&'static str> {
    known
        .map(|name| (strsim::jaro_winkler(name, word), name))
        .filter(|(score, _)| *score > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}
