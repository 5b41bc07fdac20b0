//! A text as tokens in two parts, and the batches and windows taken from it.

use rand::RngExt;
use trm_spec::Vocab;

use crate::vocab::{characters, encode_named};
use crate::{CorpusError, draw, stream};

/// A text as tokens; the last share of it is kept for validation.
#[derive(Clone, Debug)]
pub struct Corpus {
    name: String,
    vocab: Vocab,
    tokens: Vec<u32>,
    /// Where validation begins.
    boundary: usize,
}

/// Which part of a corpus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    Train,
    Val,
}

/// A target that does not count towards the loss.
pub const IGNORED: u32 = u32::MAX;

/// Windows of equal length, one after the other: row-major `[batch_size, block_size]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    pub inputs: Vec<u32>,
    /// The token after each input, or [`IGNORED`].
    pub targets: Vec<u32>,
    pub batch_size: usize,
    pub block_size: usize,
}

/// A stretch of text and, for each of its tokens, the one after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window<'a> {
    pub inputs: &'a [u32],
    pub targets: &'a [u32],
}

impl Corpus {
    /// A corpus with a vocabulary of its own: the characters that occur in `text`.
    pub fn from_text(name: &str, text: &str, val_fraction: f64) -> Result<Self, CorpusError> {
        let text = clean(text);
        Self::from_clean(name, &text, val_fraction, characters(&text))
    }

    /// A corpus for a model whose vocabulary is already fixed.
    pub fn with_vocab(
        name: &str,
        text: &str,
        val_fraction: f64,
        vocab: &Vocab,
    ) -> Result<Self, CorpusError> {
        Self::from_clean(name, &clean(text), val_fraction, vocab.clone())
    }

    fn from_clean(
        name: &str,
        text: &str,
        val_fraction: f64,
        vocab: Vocab,
    ) -> Result<Self, CorpusError> {
        if text.is_empty() {
            return Err(CorpusError::Empty { name: name.into() });
        }
        let tokens = encode_named(name, &vocab, text)?;
        // Rounded down, as in nanoGPT's `data[:int(n * 0.9)]`.
        let boundary = (tokens.len() as f64 * (1.0 - val_fraction.clamp(0.0, 1.0))) as usize;
        Ok(Self { name: name.into(), vocab, tokens, boundary })
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn vocab(&self) -> &Vocab {
        &self.vocab
    }

    /// The tokens to learn from.
    pub fn train(&self) -> &[u32] {
        &self.tokens[..self.boundary]
    }

    /// The tokens kept for validation.
    pub fn val(&self) -> &[u32] {
        &self.tokens[self.boundary..]
    }

    pub fn split(&self, split: Split) -> &[u32] {
        match split {
            Split::Train => self.train(),
            Split::Val => self.val(),
        }
    }

    /// Checks that each part holds at least one window of `block_size` and the
    /// token after it. Validation may be switched off by a fraction of 0.
    pub fn check_block(&self, block_size: usize) -> Result<(), CorpusError> {
        for (split, tokens) in [("training", self.train()), ("validation", self.val())] {
            let off = split == "validation" && tokens.is_empty();
            if tokens.len() <= block_size && !off {
                return Err(CorpusError::TooShort {
                    name: self.name.clone(),
                    split,
                    tokens: tokens.len(),
                    block_size,
                });
            }
        }
        Ok(())
    }

    /// Random windows, drawn as nanoGPT draws them. Batch `step` of `seed` is the
    /// same whatever was drawn before it.
    ///
    /// # Panics
    /// If the part is not longer than `block_size`; see [`Corpus::check_block`].
    pub fn batch(
        &self,
        split: Split,
        seed: u64,
        step: u64,
        batch_size: usize,
        block_size: usize,
    ) -> Batch {
        let tokens = self.split(split);
        assert!(tokens.len() > block_size, "check_block comes before batch");
        let stream = match split {
            Split::Train => stream::TRAIN_BATCHES,
            Split::Val => stream::VAL_BATCHES,
        };
        let mut generator = draw(seed, stream, step);
        let size = batch_size * block_size;
        let (mut inputs, mut targets) = (Vec::with_capacity(size), Vec::with_capacity(size));
        for _ in 0..batch_size {
            // As u64, so that 32-bit platforms draw the same windows.
            let start = generator.random_range(0..(tokens.len() - block_size) as u64) as usize;
            inputs.extend_from_slice(&tokens[start..start + block_size]);
            targets.extend_from_slice(&tokens[start + 1..start + 1 + block_size]);
        }
        Batch { inputs, targets, batch_size, block_size }
    }

    /// The whole part in windows that do not overlap: every token but the first
    /// is a target once. The last window may be shorter.
    pub fn windows(&self, split: Split, block_size: usize) -> impl Iterator<Item = Window<'_>> {
        let tokens = self.split(split);
        let last = tokens.len().saturating_sub(1);
        (0..last).step_by(block_size.max(1)).map(move |start| {
            let end = (start + block_size).min(last);
            Window { inputs: &tokens[start..end], targets: &tokens[start + 1..=end] }
        })
    }
}

/// Drops a byte-order mark and turns Windows line ends into plain ones, so that
/// the same text gives the same tokens wherever it was saved.
fn clean(text: &str) -> std::borrow::Cow<'_, str> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.contains("\r\n") { text.replace("\r\n", "\n").into() } else { text.into() }
}
