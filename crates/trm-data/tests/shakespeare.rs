//! Tiny Shakespeare is the text that nanoGPT learns, byte for byte, and is cut as it cuts it.
#![cfg(feature = "shakespeare")]

use sha2::{Digest, Sha256};
use trm_data::{SHAKESPEARE_SHA256, Split, TextDataset, decode, shakespeare};
use trm_spec::Vocab;

#[test]
fn bytes_are_the_known_ones() {
    let digest: String =
        Sha256::digest(shakespeare()).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(shakespeare().len(), 1_115_394);
    assert_eq!(digest, SHAKESPEARE_SHA256);
}

#[test]
fn vocabulary_and_split_are_nano_gpts() {
    let corpus = TextDataset::from_text("shakespeare", shakespeare(), 0.1).expect("a corpus");
    assert_eq!(corpus.vocab().size(), 65);
    assert_eq!(corpus.len(Split::Train), 1_003_854);
    assert_eq!(corpus.len(Split::Val), 111_540);
    // nanoGPT's `encode("hii there")`.
    let numbers = trm_data::encode(corpus.vocab(), "hii there").expect("known characters");
    assert_eq!(numbers, [46, 47, 47, 1, 58, 46, 43, 56, 43]);
    assert!(
        matches!(corpus.vocab(), Vocab::Char { chars } if chars.starts_with("\n !$&',-.3:;?AB"))
    );
    let start = corpus.read(Split::Train, 0..14).expect("tokens");
    assert!(decode(corpus.vocab(), &start).starts_with("First Citizen:"));
}
