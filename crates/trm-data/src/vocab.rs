//! Characters to token numbers and back.

use std::collections::{BTreeSet, HashMap};

use trm_spec::Vocab;

use crate::CorpusError;

/// The characters of `text`, sorted by code point, as nanoGPT numbers them.
pub(crate) fn characters(text: &str) -> Vocab {
    Vocab::Char { chars: text.chars().collect::<BTreeSet<_>>().into_iter().collect() }
}

/// The tokens of `text`; characters that the vocabulary lacks are an error that names them.
pub fn encode(vocab: &Vocab, text: &str) -> Result<Vec<u32>, CorpusError> {
    encode_named("the text", vocab, text)
}

pub(crate) fn encode_named(name: &str, vocab: &Vocab, text: &str) -> Result<Vec<u32>, CorpusError> {
    let chars = match vocab {
        Vocab::Char { chars } => chars,
        Vocab::Byte => return Ok(text.bytes().map(u32::from).collect()),
        // Nothing needs no characters.
        Vocab::Bpe { .. } | Vocab::Plain { .. } if text.is_empty() => return Ok(Vec::new()),
        Vocab::Bpe { .. } | Vocab::Plain { .. } => return Err(CorpusError::NoCharacters),
    };
    let numbers: HashMap<char, u32> = chars.chars().zip(0..).collect();
    let mut tokens = Vec::with_capacity(text.len());
    let mut missing = Vec::new();
    let mut position = 0;
    for (index, character) in text.chars().enumerate() {
        match numbers.get(&character) {
            Some(&token) => tokens.push(token),
            None if missing.contains(&character) => {}
            None => {
                if missing.is_empty() {
                    position = index + 1;
                }
                missing.push(character);
            }
        }
    }
    if missing.is_empty() {
        Ok(tokens)
    } else {
        Err(CorpusError::Foreign { name: name.into(), missing, position, known: vocab.size() })
    }
}

/// The text of `tokens`. A number outside the vocabulary becomes U+FFFD;
/// tokens that stand for nothing are written as numbers.
pub fn decode(vocab: &Vocab, tokens: &[u32]) -> String {
    match vocab {
        Vocab::Char { chars } => {
            let chars: Vec<char> = chars.chars().collect();
            let read = |&token: &u32| chars.get(token as usize).copied();
            tokens.iter().map(|token| read(token).unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
        }
        Vocab::Byte => {
            let bytes: Vec<u8> = tokens.iter().map(|&token| token as u8).collect();
            String::from_utf8_lossy(&bytes).into_owned()
        }
        Vocab::Bpe { .. } | Vocab::Plain { .. } => {
            tokens.iter().map(|token| format!("{token} ")).collect()
        }
    }
}
