//! Token numbers to text, all at once or as they come.

#[cfg(feature = "llm")]
use std::sync::Arc;

use trm_spec::Vocab;

use super::bpe::Bpe;
#[cfg(feature = "llm")]
use super::subword::SubwordTokenizer;

/// Reads tokens as they come. Where a token ends inside a character, that
/// character is held back until the rest of it is there.
pub struct Decoder {
    reading: Reading,
    /// The beginning of a character.
    pending: Vec<u8>,
}

enum Reading {
    Characters(Vec<char>),
    Bytes,
    Encoded(Bpe, usize),
    #[cfg(feature = "llm")]
    Subwords(Arc<SubwordTokenizer>),
    /// Tokens that stand for nothing, or for what this program does not know.
    Numbers,
}

impl Decoder {
    /// A decoder for tokens of `vocab`.
    pub fn new(vocab: &Vocab) -> Self {
        let reading = match vocab {
            Vocab::Char { chars } => Reading::Characters(chars.chars().collect()),
            Vocab::Byte => Reading::Bytes,
            Vocab::Bpe { name, size, sha256 } => Bpe::find(name, sha256)
                .map_or(Reading::Numbers, |encoding| Reading::Encoded(encoding, *size)),
            #[cfg(feature = "llm")]
            Vocab::Subword(subwords) => SubwordTokenizer::new(subwords)
                .map_or(Reading::Numbers, |tokenizer| Reading::Subwords(Arc::new(tokenizer))),
            Vocab::Plain { .. } | Vocab::Arc { .. } | Vocab::Classes { .. } => Reading::Numbers,
        };
        Self { reading, pending: Vec::new() }
    }

    /// A decoder for the tokens of a tokenizer, which is not built again.
    #[cfg(feature = "llm")]
    pub fn of_subwords(tokenizer: Arc<SubwordTokenizer>) -> Self {
        Self { reading: Reading::Subwords(tokenizer), pending: Vec::new() }
    }

    /// The text of the next tokens. A number outside the vocabulary becomes
    /// U+FFFD, and so do bytes that are not UTF-8; tokens that stand for nothing
    /// are written as numbers.
    pub fn push(&mut self, tokens: &[u32]) -> String {
        for &token in tokens {
            match self.bytes(token) {
                Some(bytes) => self.pending.extend(bytes),
                None => self.pending.extend(REPLACEMENT.bytes()),
            }
        }
        self.take(false)
    }

    /// The text that each of the next tokens adds, as [`push`](Self::push) reads it: a
    /// character of several tokens belongs to the last of them. Together they are the
    /// text of all.
    pub fn pieces(&mut self, tokens: &[u32]) -> Vec<String> {
        tokens.iter().map(|token| self.push(&[*token])).collect()
    }

    /// What was held back: a character that is not whole.
    pub fn finish(&mut self) -> String {
        self.take(true)
    }

    /// Whether tokens stand for text.
    pub(crate) fn is_text(&self) -> bool {
        !matches!(self.reading, Reading::Numbers)
    }

    /// What a token stands for.
    pub(crate) fn bytes(&self, token: u32) -> Option<Vec<u8>> {
        match &self.reading {
            Reading::Characters(chars) => {
                chars.get(token as usize).map(|character| character.to_string().into_bytes())
            }
            Reading::Bytes => u8::try_from(token).ok().map(|byte| vec![byte]),
            Reading::Encoded(encoding, size) => {
                ((token as usize) < *size).then(|| encoding.bytes(token))
            }
            #[cfg(feature = "llm")]
            Reading::Subwords(tokenizer) => tokenizer.bytes(token).map(<[u8]>::to_vec),
            Reading::Numbers => Some(format!("{token} ").into_bytes()),
        }
    }

    fn take(&mut self, all: bool) -> String {
        let mut whole = self.pending.len();
        if !all && let Some(last) = self.pending.utf8_chunks().last() {
            // Bytes that could still become a character are kept.
            let rest = last.invalid();
            if std::str::from_utf8(rest).is_err_and(|error| error.error_len().is_none()) {
                whole -= rest.len();
            }
        }
        let bytes: Vec<u8> = self.pending.drain(..whole).collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

const REPLACEMENT: &str = "\u{fffd}";

/// The text of `tokens`, as [`Decoder`] reads it.
pub fn decode(vocab: &Vocab, tokens: &[u32]) -> String {
    let mut decoder = Decoder::new(vocab);
    decoder.push(tokens) + &decoder.finish()
}
