//! A text as tokens in two parts, and the batches and windows taken from it.

mod scored;

use std::borrow::Cow;
use std::ops::Range;

use rand::RngExt;
use trm_spec::{DataSpec, Sampling, Tokenizer, Vocab};

use crate::bpe::END_OF_TEXT;
use crate::epochs::Epochs;
use crate::tokens::Tokens;
use crate::vocab::{encode_named, unit, vocabulary};
use crate::{CorpusError, draw, stream};

/// A text as tokens; the last share of it is kept for validation, or all of it
/// where it is only scored.
#[derive(Clone, Debug)]
pub struct Corpus {
    name: String,
    vocab: Vocab,
    tokens: Tokens,
    /// Where validation begins.
    boundary: usize,
    /// Whether all of it is scored and none of it trained on.
    test: bool,
    sampling: Sampling,
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

impl Batch {
    /// Rows that end after so many tokens each, padded to the block: only the token
    /// after a row's last one is a target. Nothing that stands before the padding
    /// sees it, so that it does not matter what it is.
    ///
    /// # Errors
    /// If a row is empty or longer than the block, or there are not as many lengths
    /// as rows.
    pub fn padded(mut self, lengths: &[usize]) -> Result<Self, CorpusError> {
        if lengths.len() != self.batch_size {
            let (lengths, rows) = (lengths.len(), self.batch_size);
            return Err(CorpusError::Lengths { lengths, rows });
        }
        let rows = self.inputs.chunks_exact_mut(self.block_size);
        let rows = rows.zip(self.targets.chunks_exact_mut(self.block_size)).zip(lengths);
        for (row, ((inputs, targets), &length)) in rows.enumerate() {
            if length == 0 || length > self.block_size {
                return Err(CorpusError::Length { row, length, most: self.block_size });
            }
            inputs[length..].fill(PADDING);
            targets[..length - 1].fill(IGNORED);
            targets[length..].fill(IGNORED);
        }
        Ok(self)
    }
}

/// What stands where a row has ended; any token would do.
const PADDING: u32 = 0;

/// A stretch of a part; [`Corpus::gather`] reads it together with the token after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Its first token, counted from the beginning of the part.
    pub start: usize,
    pub length: usize,
    /// Its last positions, whose targets count; those before them are context.
    pub scored: usize,
}

impl Corpus {
    /// A corpus with a vocabulary of its own: the characters that occur in `text`.
    pub fn from_text(name: &str, text: &str, val_fraction: f64) -> Result<Self, CorpusError> {
        let spec = DataSpec { dataset: name.into(), val_fraction, ..DataSpec::default() };
        Self::from_spec(&spec, text, None)
    }

    /// A corpus for a model whose vocabulary is already fixed.
    pub fn with_vocab(
        name: &str,
        text: &str,
        val_fraction: f64,
        vocab: &Vocab,
    ) -> Result<Self, CorpusError> {
        let spec = DataSpec { dataset: name.into(), val_fraction, ..DataSpec::default() };
        Self::from_spec(&spec, text, Some(vocab))
    }

    /// `text` as `spec` wants it cut and drawn: with the vocabulary of a model
    /// where there is one, else with the one that the tokeniser gives.
    pub fn from_spec(
        spec: &DataSpec,
        text: &str,
        vocab: Option<&Vocab>,
    ) -> Result<Self, CorpusError> {
        Self::from_texts(spec, &[text], vocab)
    }

    /// Several texts as one corpus: where one ends and another begins stands a new
    /// line, or GPT-2's own mark. Empty ones are passed over.
    pub fn from_texts(
        spec: &DataSpec,
        texts: &[impl AsRef<str>],
        vocab: Option<&Vocab>,
    ) -> Result<Self, CorpusError> {
        let name = &spec.dataset;
        let cleaned = texts.iter().map(|text| clean(text.as_ref()));
        let mut texts: Vec<_> = cleaned.filter(|text| !text.is_empty()).collect();
        if texts.is_empty() {
            return Err(CorpusError::Empty { name: name.clone() });
        }
        let marked = match vocab {
            Some(vocab) => matches!(vocab, Vocab::Bpe { .. }),
            None => spec.tokenizer == Tokenizer::Gpt2,
        };
        if !marked && texts.len() > 1 {
            texts = vec![joined(&texts).into()];
        }
        // Of characters there is one text now, and other vocabularies need none.
        let vocab = vocab.cloned().unwrap_or_else(|| vocabulary(spec.tokenizer, &texts[0]));
        let mut tokens = Vec::new();
        for (number, text) in texts.iter().enumerate() {
            if number > 0 {
                tokens.push(END_OF_TEXT);
            }
            tokens.append(&mut encode_named(name, &vocab, text)?);
        }
        Ok(Self::new(spec, name.clone(), vocab, Tokens::Held(tokens.into())))
    }

    /// The tokens of a file, read as they are needed; `vocab` is that of a
    /// model, where there is one, and must be the file's own. Where the file says
    /// where validation begins, the specification's share does not matter.
    #[cfg(feature = "files")]
    pub fn from_file(
        spec: &DataSpec,
        file: std::sync::Arc<crate::TokenFile>,
        vocab: Option<&Vocab>,
    ) -> Result<Self, CorpusError> {
        let name = file.path().display().to_string();
        if let Some(wanted) = vocab.filter(|vocab| *vocab != file.vocab()) {
            return Err(CorpusError::OtherVocab {
                name,
                found: crate::described(file.vocab()),
                wanted: crate::described(wanted),
            });
        }
        let own = file.val_tokens().map(|val| file.len() - val);
        let test = file.is_test();
        let corpus = Self::new(spec, name, file.vocab().clone(), Tokens::Mapped(file));
        Ok(Self { boundary: own.unwrap_or(corpus.boundary), test, ..corpus })
    }

    fn new(spec: &DataSpec, name: String, vocab: Vocab, tokens: Tokens) -> Self {
        // Rounded down, as in nanoGPT's `data[:int(n * 0.9)]`.
        let boundary = (tokens.len() as f64 * (1.0 - spec.val_fraction.clamp(0.0, 1.0))) as usize;
        Self { name, vocab, tokens, boundary, test: false, sampling: spec.sampling }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn vocab(&self) -> &Vocab {
        &self.vocab
    }

    /// How many tokens a part has.
    pub fn len(&self, split: Split) -> usize {
        self.range(split).len()
    }

    /// The tokens of a stretch of a part. A number outside the vocabulary, which
    /// only a damaged file can hold, is an error.
    ///
    /// # Panics
    /// If the stretch reaches beyond the part.
    pub fn read(&self, split: Split, range: Range<usize>) -> Result<Vec<u32>, CorpusError> {
        let mut tokens = Vec::with_capacity(range.len());
        self.read_into(split, range, &mut tokens)?;
        Ok(tokens)
    }

    fn read_into(
        &self,
        split: Split,
        range: Range<usize>,
        into: &mut Vec<u32>,
    ) -> Result<(), CorpusError> {
        if self.test && split == Split::Train && !range.is_empty() {
            return Err(self.no_training());
        }
        let part = self.range(split);
        assert!(range.end <= part.len(), "a stretch lies inside its part");
        let (first, seen) = (part.start + range.start, into.len());
        self.tokens.read(first..part.start + range.end, into);
        let size = self.vocab.size();
        match into[seen..].iter().position(|token| *token as usize >= size) {
            None => Ok(()),
            Some(place) => Err(CorpusError::Outside {
                name: self.name.clone(),
                token: into[seen + place],
                position: first + place,
                size,
            }),
        }
    }

    fn range(&self, split: Split) -> Range<usize> {
        match split {
            Split::Train => 0..self.boundary,
            Split::Val => self.boundary..self.tokens.len(),
        }
    }

    /// Checks that each part holds at least one window of `block_size` and the
    /// token after it. Validation may be switched off by a fraction of 0, and a
    /// text that is only scored has nothing to train on.
    pub fn check_block(&self, block_size: usize) -> Result<(), CorpusError> {
        let val = if self.test { "scored" } else { "validation" };
        for (part, split) in [("training", Split::Train), (val, Split::Val)] {
            let tokens = self.len(split);
            let off = match split {
                Split::Train => self.test,
                Split::Val => tokens == 0,
            };
            if tokens <= block_size && !off {
                return Err(CorpusError::TooShort {
                    name: self.name.clone(),
                    split: part,
                    unit: unit(&self.vocab),
                    tokens,
                    block_size,
                });
            }
        }
        Ok(())
    }

    /// Windows drawn at random, as nanoGPT draws them, or training windows in
    /// epochs, as the specification says. Batch `step` of `seed` is the same
    /// whatever was drawn before it. Fails where a file holds what is no token,
    /// and for training windows of a text that is only scored.
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
    ) -> Result<Batch, CorpusError> {
        if self.test && split == Split::Train {
            return Err(self.no_training());
        }
        let tokens = self.len(split);
        assert!(tokens > block_size, "check_block comes before batch");
        let starts: Vec<usize> = match (split, self.sampling) {
            (Split::Train, Sampling::Epochs) => {
                let epochs = Epochs::new(seed, tokens, block_size);
                let first = u128::from(step) * batch_size as u128;
                (0..batch_size as u128).map(|row| epochs.start(first + row)).collect()
            }
            _ => {
                let stream = match split {
                    Split::Train => stream::TRAIN_BATCHES,
                    Split::Val => stream::VAL_BATCHES,
                };
                let mut generator = draw(seed, stream, step);
                // As u64, so that 32-bit platforms draw the same windows.
                let choices = 0..(tokens - block_size) as u64;
                (0..batch_size).map(|_| generator.random_range(choices.clone()) as usize).collect()
            }
        };
        let window = |start| Window { start, length: block_size, scored: block_size };
        self.gather(split, &starts.into_iter().map(window).collect::<Vec<_>>())
    }

    /// The whole part in windows, in each of which the last `stride` targets count:
    /// every token but the first once, left to right, with at least `block_size −
    /// stride` tokens of context as soon as there are so many. With `block_size`
    /// windows do not overlap, and the last one may be shorter.
    pub fn windows(
        &self,
        split: Split,
        block_size: usize,
        stride: usize,
    ) -> impl Iterator<Item = Window> + use<> {
        let (block, last) = (block_size.max(1), self.len(split).saturating_sub(1));
        let stride = stride.clamp(1, block);
        let mut seen = 0;
        std::iter::from_fn(move || {
            let from = seen;
            if from == last {
                return None;
            }
            let first = from == 0 || stride == block;
            seen = last.min(from + if first { block } else { stride });
            // What goes before fills the window up.
            let start = if first { from } else { seen - block };
            Some(Window { start, length: seen - start, scored: seen - from })
        })
    }

    /// Windows of one length as a batch.
    ///
    /// # Panics
    /// If there is no window, or one of another length, or one that reaches
    /// beyond the part.
    pub fn gather(&self, split: Split, windows: &[Window]) -> Result<Batch, CorpusError> {
        let block_size = windows[0].length;
        let size = windows.len() * block_size;
        let (mut inputs, mut targets) = (Vec::with_capacity(size), Vec::with_capacity(size));
        let mut row = Vec::with_capacity(block_size + 1);
        for window in windows {
            assert_eq!(window.length, block_size, "the rows of a batch are equally long");
            row.clear();
            self.read_into(split, window.start..window.start + block_size + 1, &mut row)?;
            inputs.extend_from_slice(&row[..block_size]);
            targets.resize(targets.len() + block_size - window.scored, IGNORED);
            targets.extend_from_slice(&row[1 + block_size - window.scored..]);
        }
        Ok(Batch { inputs, targets, batch_size: windows.len(), block_size })
    }
}

/// Several texts as one, each beginning on a line of its own.
fn joined(texts: &[Cow<str>]) -> String {
    let mut whole = String::with_capacity(texts.iter().map(|text| text.len() + 1).sum());
    for text in texts {
        if !whole.is_empty() && !whole.ends_with('\n') {
            whole.push('\n');
        }
        whole.push_str(text);
    }
    whole
}

/// Drops a byte-order mark and turns Windows line ends into plain ones, so that
/// the same text gives the same tokens wherever it was saved.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.contains("\r\n") { text.replace("\r\n", "\n").into() } else { text.into() }
}
