//! GPT-2's byte-pair encoding, where it is built in.

use trm_spec::Vocab;

use crate::error::DataError;

/// What the encoding is called in a [`Vocab`].
const GPT2: &str = "gpt2";

/// SHA-256 of GPT-2's ranks, as they are published.
pub const GPT2_SHA256: &str = "306cd27f03c1a714eca7108e03d66b7dc042abe8c258b44c199a7ed9838dd930";

/// Stands between two texts.
pub const END_OF_TEXT: u32 = 50_256;

/// GPT-2's vocabulary.
pub fn gpt2() -> Vocab {
    Vocab::Bpe { name: GPT2.into(), size: END_OF_TEXT as usize + 1, sha256: GPT2_SHA256.into() }
}

/// GPT-2's table, read on first use. Not by `tiktoken::get_encoding`, which would link
/// the tables of all encodings, 6 MB.
#[cfg(feature = "bpe")]
static R50K: std::sync::LazyLock<tiktoken::CoreBpe> =
    std::sync::LazyLock::new(tiktoken::encoding::r50k_base);

/// An encoding that this program has.
#[derive(Clone, Copy)]
pub(crate) struct Bpe {
    #[cfg(feature = "bpe")]
    core: &'static tiktoken::CoreBpe,
    #[cfg(not(feature = "bpe"))]
    core: std::convert::Infallible,
}

impl Bpe {
    /// The encoding that `name` and `sha256` mean.
    pub fn find(name: &str, sha256: &str) -> Result<Self, DataError> {
        if (name, sha256) != (GPT2, GPT2_SHA256) {
            return Err(DataError::UnknownEncoding { name: name.into() });
        }
        #[cfg(feature = "bpe")]
        return Ok(Self { core: &R50K });
        #[cfg(not(feature = "bpe"))]
        Err(DataError::NoEncoding { name: name.into() })
    }
}

#[cfg(feature = "bpe")]
impl Bpe {
    pub fn encode(self, text: &str) -> Vec<u32> {
        /// The cost of a piece can grow faster than its length.
        const PIECE: usize = 1 << 13;
        let mut tokens = Vec::with_capacity(text.len() / 3);
        let mut rest = text;
        while !rest.is_empty() {
            let near = rest.floor_char_boundary(PIECE);
            let cut = if near == rest.len() {
                near
            } else {
                last_seam(&rest[..near]).or_else(|| first_seam(rest)).unwrap_or(rest.len())
            };
            tokens.extend(self.core.encode(&rest[..cut]));
            rest = &rest[cut..];
        }
        tokens
    }

    /// The bytes of a token, which may begin or end inside a character.
    pub fn bytes(self, token: u32) -> Vec<u8> {
        self.core.decode(&[token])
    }
}

#[cfg(not(feature = "bpe"))]
impl Bpe {
    pub fn encode(self, _: &str) -> Vec<u32> {
        match self.core {}
    }

    pub fn bytes(self, _: u32) -> Vec<u8> {
        match self.core {}
    }
}

/// Where white space follows something else. GPT-2's pieces have white space
/// only in front, so none reaches over such a place, and the two sides can be
/// encoded one by one.
#[cfg(any(feature = "bpe", feature = "files"))]
fn seams(text: &str) -> impl DoubleEndedIterator<Item = usize> {
    text.char_indices().filter_map(move |(at, character)| {
        let before = text[..at].chars().next_back()?;
        (character.is_whitespace() && !before.is_whitespace()).then_some(at)
    })
}

#[cfg(feature = "bpe")]
fn first_seam(text: &str) -> Option<usize> {
    seams(text).next()
}

#[cfg(any(feature = "bpe", feature = "files"))]
pub(crate) fn last_seam(text: &str) -> Option<usize> {
    seams(text).next_back()
}
