//! A text as tokens in two parts, and the batches and windows taken from it.

use std::borrow::Cow;
use std::ops::Range;
#[cfg(feature = "files")]
use std::sync::Arc;

use rand::RngExt;
use trm_spec::{DataSpec, Sampling, Tokenizer, Vocab};

use super::batch::{Batch, Window};
use super::bpe::END_OF_TEXT;
use super::clean::clean;
#[cfg(feature = "files")]
use super::token_file::TokenFile;
use super::tokens::Tokens;
#[cfg(feature = "files")]
use super::vocab::describe;
use super::vocab::{encode_named, unit, vocabulary};
use crate::draw::{draw, stream};
use crate::epochs::Epochs;
use crate::error::DataError;
use crate::split::{IGNORED, Split};

/// A text as tokens; the last share of it is kept for validation, or all of it
/// where it is only scored.
#[derive(Clone, Debug)]
pub struct TextDataset {
    name: String,
    vocab: Vocab,
    tokens: Tokens,
    /// Where validation begins.
    boundary: usize,
    /// Whether all of it is scored and none of it trained on.
    test: bool,
    sampling: Sampling,
}

impl TextDataset {
    /// A corpus with a vocabulary of its own: the characters that occur in `text`.
    ///
    /// # Errors
    /// If the text is empty or too short to be split.
    pub fn from_text(name: &str, text: &str, val_fraction: f64) -> Result<Self, DataError> {
        let spec = DataSpec { dataset: name.into(), val_fraction, ..DataSpec::default() };
        Self::from_spec(&spec, text, None)
    }

    /// A corpus for a model whose vocabulary is already fixed.
    ///
    /// # Errors
    /// If the text is empty, or has characters that the vocabulary lacks.
    pub fn with_vocab(
        name: &str,
        text: &str,
        val_fraction: f64,
        vocab: &Vocab,
    ) -> Result<Self, DataError> {
        let spec = DataSpec { dataset: name.into(), val_fraction, ..DataSpec::default() };
        Self::from_spec(&spec, text, Some(vocab))
    }

    /// `text` as `spec` wants it cut and drawn: with the vocabulary of a model
    /// where there is one, else with the one that the tokeniser gives.
    ///
    /// # Errors
    /// If the text is empty, or cannot be encoded with the vocabulary.
    pub fn from_spec(
        spec: &DataSpec,
        text: &str,
        vocab: Option<&Vocab>,
    ) -> Result<Self, DataError> {
        Self::from_texts(spec, &[text], vocab)
    }

    /// Several texts as one corpus: where one ends and another begins stands a new
    /// line, or GPT-2's own mark. Empty ones are passed over.
    ///
    /// # Errors
    /// If all texts are empty, or one cannot be encoded with the vocabulary.
    pub fn from_texts(
        spec: &DataSpec,
        texts: &[impl AsRef<str>],
        vocab: Option<&Vocab>,
    ) -> Result<Self, DataError> {
        let name = &spec.dataset;
        let cleaned = texts.iter().map(|text| clean(text.as_ref()));
        let mut texts: Vec<_> = cleaned.filter(|text| !text.is_empty()).collect();
        if texts.is_empty() {
            return Err(DataError::Empty { name: name.clone() });
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
    ///
    /// # Errors
    /// If the file has another vocabulary than the model.
    #[cfg(feature = "files")]
    pub fn from_file(
        spec: &DataSpec,
        file: Arc<TokenFile>,
        vocab: Option<&Vocab>,
    ) -> Result<Self, DataError> {
        let name = file.path().display().to_string();
        if let Some(wanted) = vocab.filter(|vocab| *vocab != file.vocab()) {
            return Err(DataError::OtherVocab {
                name,
                found: describe(file.vocab()),
                wanted: describe(wanted),
            });
        }
        let own = file.val_tokens().map(|val| file.len() - val);
        let test = file.is_test();
        let corpus = Self::new(spec, name, file.vocab().clone(), Tokens::Mapped(file));
        Ok(Self { boundary: own.unwrap_or(corpus.boundary), test, ..corpus })
    }

    /// `texts`, one after the other, to be scored by a model of `vocab`.
    ///
    /// # Errors
    /// If the text is empty, or cannot be encoded with the vocabulary.
    pub fn for_test(
        name: &str,
        texts: &[impl AsRef<str>],
        vocab: &Vocab,
    ) -> Result<Self, DataError> {
        let spec = DataSpec { dataset: name.into(), ..DataSpec::default() };
        Ok(Self::from_texts(&spec, texts, Some(vocab))?.scored())
    }

    /// All tokens of a file, whatever part it says they are, to be scored by a
    /// model of `vocab`, which must be the file's own.
    ///
    /// # Errors
    /// If the file has another vocabulary.
    #[cfg(feature = "files")]
    pub fn for_test_file(file: Arc<TokenFile>, vocab: &Vocab) -> Result<Self, DataError> {
        Ok(Self::from_file(&DataSpec::default(), file, Some(vocab))?.scored())
    }

    /// Whether it is only scored: training windows cannot be had of it.
    pub fn is_test(&self) -> bool {
        self.test
    }

    fn scored(self) -> Self {
        Self { boundary: 0, test: true, ..self }
    }

    fn no_training(&self) -> DataError {
        DataError::NoTraining { name: self.name.clone() }
    }

    fn new(spec: &DataSpec, name: String, vocab: Vocab, tokens: Tokens) -> Self {
        // Rounded down, as in nanoGPT's `data[:int(n * 0.9)]`.
        let boundary = (tokens.len() as f64 * (1.0 - spec.val_fraction.clamp(0.0, 1.0))) as usize;
        Self { name, vocab, tokens, boundary, test: false, sampling: spec.sampling }
    }

    /// What the dataset is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the token numbers mean.
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
    ///
    /// # Errors
    /// If tokens of a file cannot be read, or are outside of the vocabulary.
    pub fn read(&self, split: Split, range: Range<usize>) -> Result<Vec<u32>, DataError> {
        let mut tokens = Vec::with_capacity(range.len());
        self.read_into(split, range, &mut tokens)?;
        Ok(tokens)
    }

    fn read_into(
        &self,
        split: Split,
        range: Range<usize>,
        into: &mut Vec<u32>,
    ) -> Result<(), DataError> {
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
            Some(place) => Err(DataError::Outside {
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
    ///
    /// # Errors
    /// If a split is shorter than one block.
    pub fn check_block(&self, block_size: usize) -> Result<(), DataError> {
        let val = if self.test { "scored" } else { "validation" };
        for (part, split) in [("training", Split::Train), (val, Split::Val)] {
            let tokens = self.len(split);
            let off = match split {
                Split::Train => self.test,
                Split::Val => tokens == 0,
            };
            if tokens <= block_size && !off {
                return Err(DataError::TooShort {
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
    /// If the part is not longer than `block_size`; see [`TextDataset::check_block`].
    ///
    /// # Errors
    /// If a split is shorter than one block, or tokens of a file cannot be read.
    pub fn batch(
        &self,
        split: Split,
        seed: u64,
        step: u64,
        batch_size: usize,
        block_size: usize,
    ) -> Result<Batch, DataError> {
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
    ///
    /// # Errors
    /// If tokens of a file cannot be read.
    pub fn gather(&self, split: Split, windows: &[Window]) -> Result<Batch, DataError> {
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
