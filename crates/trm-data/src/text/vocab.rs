//! Text to token numbers. The way back is `decoder`.

use std::collections::{BTreeSet, HashMap, HashSet};

use trm_spec::{Tokenizer, Vocab};

use super::bpe::{Bpe, gpt2};
use crate::error::DataError;

/// The vocabulary of a new model that reads `text` through `tokenizer`.
pub fn vocabulary(tokenizer: Tokenizer, text: &str) -> Vocab {
    match tokenizer {
        Tokenizer::Char => characters(text.chars().collect()),
        Tokenizer::Byte => Vocab::Byte,
        Tokenizer::Gpt2 => gpt2(),
    }
}

/// These characters, sorted by code point, as nanoGPT numbers them.
pub(crate) fn characters(occurring: BTreeSet<char>) -> Vocab {
    Vocab::Char { chars: occurring.into_iter().collect() }
}

/// The tokens of `text`; characters that the vocabulary lacks are an error that names them.
///
/// # Errors
/// If the text has characters that the vocabulary lacks, or the encoding is not built in.
pub fn encode(vocab: &Vocab, text: &str) -> Result<Vec<u32>, DataError> {
    encode_named("the text", vocab, text)
}

pub(crate) fn encode_named(name: &str, vocab: &Vocab, text: &str) -> Result<Vec<u32>, DataError> {
    match vocab {
        // Nothing needs no characters.
        _ if text.is_empty() => Ok(Vec::new()),
        Vocab::Char { chars } => encode_characters(name, chars, text),
        Vocab::Byte => Ok(text.bytes().map(u32::from).collect()),
        Vocab::Bpe { name, sha256, .. } => Ok(Bpe::find(name, sha256)?.encode(text)),
        #[cfg(feature = "llm")]
        Vocab::Subword(subwords) => super::subword::SubwordTokenizer::new(subwords)
            .map(|tokenizer| tokenizer.encode(text))
            .map_err(|reason| DataError::Tokenizer { reason }),
        Vocab::Plain { .. } | Vocab::Arc { .. } | Vocab::Classes { .. } => {
            Err(DataError::NoCharacters)
        }
    }
}

fn encode_characters(name: &str, chars: &str, text: &str) -> Result<Vec<u32>, DataError> {
    let numbers: HashMap<char, u32> = chars.chars().zip(0..).collect();
    let mut tokens = Vec::with_capacity(text.len());
    let mut missing = Vec::new();
    let mut seen = HashSet::new();
    let mut position = 0;
    for (index, character) in text.chars().enumerate() {
        match numbers.get(&character) {
            Some(&token) => tokens.push(token),
            None if !seen.insert(character) => {}
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
        Err(DataError::Foreign { name: name.into(), missing, position, known: numbers.len() })
    }
}

/// `65 characters`, for people to read.
pub fn describe(vocab: &Vocab) -> String {
    match vocab {
        Vocab::Char { .. } => format!("{} characters", vocab.size()),
        Vocab::Byte => "256 bytes".into(),
        Vocab::Bpe { name, size, .. } => format!("{size} tokens of {name}"),
        #[cfg(feature = "llm")]
        Vocab::Subword(_) => format!("{} subwords", vocab.size()),
        Vocab::Plain { size } => format!("{size} plain numbers"),
        Vocab::Arc { tasks } => format!("grids of {} tasks", tasks.len()),
        Vocab::Classes { names } => format!("{} classes", names.len()),
    }
}

/// The tokenizer whose tokens `vocab` has; none for numbers that stand for no text.
pub fn tokenizer(vocab: &Vocab) -> Option<Tokenizer> {
    match vocab {
        Vocab::Char { .. } => Some(Tokenizer::Char),
        Vocab::Byte => Some(Tokenizer::Byte),
        Vocab::Bpe { .. } => Some(Tokenizer::Gpt2),
        #[cfg(feature = "llm")]
        Vocab::Subword(_) => None,
        Vocab::Plain { .. } | Vocab::Arc { .. } | Vocab::Classes { .. } => None,
    }
}

/// What the tokens of `vocab` are called.
pub(crate) fn unit(vocab: &Vocab) -> &'static str {
    match vocab {
        Vocab::Char { .. } => "characters",
        Vocab::Byte => "bytes",
        #[cfg(feature = "llm")]
        Vocab::Subword(_) => "tokens",
        Vocab::Bpe { .. } | Vocab::Plain { .. } | Vocab::Arc { .. } => "tokens",
        Vocab::Classes { .. } => "classes",
    }
}
