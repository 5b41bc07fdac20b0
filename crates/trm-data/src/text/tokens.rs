//! Where a corpus keeps its tokens: in memory, or in a file that is mapped.

use std::ops::Range;
use std::sync::Arc;

#[cfg(feature = "files")]
use super::token_file::TokenFile;

#[derive(Clone, Debug)]
pub(crate) enum Tokens {
    Held(Arc<[u32]>),
    /// The system loads the pages that are read and drops them when memory is short.
    #[cfg(feature = "files")]
    Mapped(Arc<TokenFile>),
}

impl Tokens {
    pub fn len(&self) -> usize {
        match self {
            Self::Held(tokens) => tokens.len(),
            #[cfg(feature = "files")]
            Self::Mapped(file) => file.len(),
        }
    }

    /// Appends the tokens of `range`, which lies inside, to `into`.
    pub fn read(&self, range: Range<usize>, into: &mut Vec<u32>) {
        match self {
            Self::Held(tokens) => into.extend_from_slice(&tokens[range]),
            #[cfg(feature = "files")]
            Self::Mapped(file) => file.read(range, into),
        }
    }
}
