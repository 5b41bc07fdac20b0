//! Digests beside the names of datasets: `poem.txt@0123456789ab`. A run keeps them,
//! so that it goes on with the same text.

use std::borrow::Cow;

use sha2::{Digest, Sha256};

/// Between a dataset's name and its digest.
const PIN: char = '@';

/// Digits of a digest that are kept.
pub(crate) const PIN_DIGITS: usize = 12;

/// The name with its digest.
pub(crate) fn pinned(name: &str, sha256: &str) -> String {
    format!("{name}{PIN}{}", &sha256[..PIN_DIGITS])
}

/// Name and digest of a dataset.
pub(crate) fn split_pin(dataset: &str) -> (&str, Option<&str>) {
    match dataset.rsplit_once(PIN) {
        Some((name, pin))
            if pin.len() == PIN_DIGITS && pin.bytes().all(|b| b.is_ascii_hexdigit()) =>
        {
            (name, Some(pin))
        }
        _ => (dataset, None),
    }
}

/// SHA-256 of `texts`, of a single one that of its bytes.
pub(crate) fn digest_of<'a>(texts: impl Iterator<Item = Cow<'a, str>>) -> String {
    let mut digest = Sha256::new();
    for (number, text) in texts.enumerate() {
        if number > 0 {
            // No text has this byte in it.
            digest.update([0xff]);
        }
        digest.update(text.as_bytes());
    }
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::{digest_of, split_pin};

    #[test]
    fn where_texts_end_belongs_to_their_digest() {
        let of = |texts: &[&str]| digest_of(texts.iter().map(|text| (*text).into()));
        let one = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(of(&["abc"]), one);
        assert_ne!(of(&["a", "bc"]), of(&["ab", "c"]));
        assert_ne!(of(&["a", "bc"]), one);
    }

    #[test]
    fn digests_are_told_from_names() {
        assert_eq!(split_pin("poem.txt@0123456789ab"), ("poem.txt", Some("0123456789ab")));
        for name in ["poem.txt", "me@home", "a@0123456789ax", "@", ""] {
            assert_eq!(split_pin(name), (name, None));
        }
    }
}
