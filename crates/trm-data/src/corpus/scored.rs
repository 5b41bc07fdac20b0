//! A text that is scored whole: all of it is the validation part, and there is
//! nothing to train on.

use trm_spec::{DataSpec, Vocab};

use super::Corpus;
use crate::CorpusError;

impl Corpus {
    /// `texts`, one after the other, to be scored by a model of `vocab`.
    pub fn for_test(
        name: &str,
        texts: &[impl AsRef<str>],
        vocab: &Vocab,
    ) -> Result<Self, CorpusError> {
        let spec = DataSpec { dataset: name.into(), ..DataSpec::default() };
        Ok(Self::from_texts(&spec, texts, Some(vocab))?.scored())
    }

    /// All tokens of a file, whatever part it says they are, to be scored by a
    /// model of `vocab`, which must be the file's own.
    #[cfg(feature = "files")]
    pub fn for_test_file(
        file: std::sync::Arc<crate::TokenFile>,
        vocab: &Vocab,
    ) -> Result<Self, CorpusError> {
        Ok(Self::from_file(&DataSpec::default(), file, Some(vocab))?.scored())
    }

    /// Whether it is only scored: training windows cannot be had of it.
    pub fn is_test(&self) -> bool {
        self.test
    }

    fn scored(self) -> Self {
        Self { boundary: 0, test: true, ..self }
    }

    pub(super) fn no_training(&self) -> CorpusError {
        CorpusError::NoTraining { name: self.name.clone() }
    }
}
