//! How much text tokens stand for, however a tokeniser cuts it: what a loss is
//! divided by, so that models with different tokens can be compared.

use trm_spec::Vocab;

use super::decoder::Decoder;

/// Sizes of a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// Tokens.
    pub tokens: usize,
    /// Characters that begin in it.
    pub characters: usize,
    /// Bytes of UTF-8.
    pub bytes: usize,
    /// Words that begin in it: stretches without ASCII white space.
    pub words: usize,
}

/// Measures text as its tokens come. Tokens that stand for nothing count as one
/// character, byte and word each.
pub struct Measure {
    decoder: Decoder,
    /// What was counted so far.
    pub extent: Extent,
}

impl Measure {
    /// A counter for tokens of `vocab`.
    pub fn new(vocab: &Vocab) -> Self {
        Self { decoder: Decoder::new(vocab), extent: Extent::default() }
    }

    /// Adds tokens; `before` is the one that stands before them, so that a word is
    /// counted once where it is cut.
    pub fn add(&mut self, before: Option<u32>, tokens: &[u32]) {
        self.extent.tokens += tokens.len();
        if !self.decoder.is_text() {
            self.extent.characters += tokens.len();
            self.extent.bytes += tokens.len();
            self.extent.words += tokens.len();
            return;
        }
        let white = |byte: u8| byte.is_ascii_whitespace();
        let before = before.and_then(|token| self.decoder.bytes(token)?.last().copied());
        let mut in_word = before.is_some_and(|byte| !white(byte));
        for byte in tokens.iter().filter_map(|&token| self.decoder.bytes(token)).flatten() {
            self.extent.bytes += 1;
            // Every byte but UTF-8's continuation bytes begins a character.
            self.extent.characters += usize::from(byte & 0xc0 != 0x80);
            self.extent.words += usize::from(!white(byte) && !in_word);
            in_word = !white(byte);
        }
    }
}

/// The sizes of `tokens`, which are a whole text.
pub fn extent(vocab: &Vocab, tokens: &[u32]) -> Extent {
    let mut measure = Measure::new(vocab);
    measure.add(None, tokens);
    measure.extent
}
