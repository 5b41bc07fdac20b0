//! What only files need: their paths, digests and tokenizers.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use trm_spec::{Failure, RunConfig, Tokenizer, Vocab};

use super::{ARC, OpenedData, OpenedSource, SHAKESPEARE};
use crate::error::DataError;
use crate::file_kind::FileKind;
#[cfg(feature = "images")]
use crate::images::ImageSource;
use crate::pin::{PIN_DIGITS, digest_of, pinned, split_pin};
use crate::puzzles::{PuzzleKind, PuzzleSource, TextSource, is_official, task_files};
#[cfg(feature = "llm")]
use crate::questions::{QuestionDataset, QuestionSource, digest_of as digest_of_questions};
use crate::text::{
    TEXT_FIELD, TextDataset, TokenFile, clean, file_kind, in_folder, is_bin, read_as_text,
    read_texts, tokenizer,
};

impl OpenedSource {
    /// Puzzles or texts, as `dataset` says.
    pub(super) fn files(path: &Path, dataset: &str) -> Result<Self, Failure> {
        let official = || OpenedData::Puzzles(PuzzleSource::Official(path.into()));
        let content = match PuzzleKind::named(dataset) {
            None if dataset != ARC => return Self::texts(path, dataset),
            _ if is_official(path) => official(),
            Some(_) if path.is_dir() => official(),
            Some(PuzzleKind::Sudoku(_)) => {
                OpenedData::Puzzles(PuzzleSource::Lines(TextSource::File(path.into())))
            }
            Some(PuzzleKind::Maze(_)) => {
                OpenedData::Puzzles(PuzzleSource::MazeLines(TextSource::File(path.into())))
            }
            None => OpenedData::Arc(task_files(path)?),
        };
        Ok(Self { path: Some(path.into()), ..Self::of(dataset, content) })
    }

    /// A folder or a file of images.
    #[cfg(feature = "images")]
    pub(super) fn images(path: &Path) -> Self {
        let content = OpenedData::Images(ImageSource::Files(path.into()));
        Self { path: Some(path.into()), ..Self::of(&file_name(path), content) }
    }

    /// A JSON file of questions.
    #[cfg(feature = "llm")]
    pub(super) fn questions(path: &Path) -> Result<Self, Failure> {
        let source = QuestionSource::read(path)?;
        let sha256 = match &source {
            QuestionSource::Given { questions, .. } => digest_of_questions(questions.iter()),
            QuestionSource::Generated(_) => String::new(),
        };
        let name = source.name().to_owned();
        Ok(Self { name, content: OpenedData::Questions(source), path: Some(path.into()), sha256 })
    }

    /// A token file, JSON lines or a text.
    fn texts(path: &Path, name: &str) -> Result<Self, Failure> {
        let inside = in_folder(path);
        let path = inside.as_deref().unwrap_or(path);
        if path.is_dir() {
            return Err(DataError::Folder { path: path.display().to_string() }.into());
        }
        let kind = file_kind(path)?;
        let tokens = match kind {
            FileKind::Safetensors => Some(TokenFile::open(path)?),
            _ if is_bin(path, kind) => Some(TokenFile::open_bin(path)?),
            _ => None,
        };
        let Some(file) = tokens else {
            return Ok(Self::held(path, name, read_texts(path, TEXT_FIELD)?));
        };
        let sha256 = file.sha256().to_owned();
        let content = OpenedData::Tokens(Arc::new(file));
        Ok(Self { path: Some(path.into()), sha256, ..Self::of(name, content) })
    }

    /// Texts that were read from the file at `path`.
    fn held(path: &Path, name: &str, texts: Vec<String>) -> Self {
        // Of the same text the same, wherever it was saved.
        let sha256 = digest_of(texts.iter().map(|text| clean(text)));
        let content = OpenedData::Texts(texts.into_iter().map(Cow::from).collect());
        Self { path: Some(path.into()), sha256, ..Self::of(name, content) }
    }

    /// The file at `path` as one text, whatever it looks like, as long as it is UTF-8.
    ///
    /// # Errors
    /// If it cannot be read, is empty or not UTF-8.
    pub fn open_as_text(path: &Path, config: &RunConfig) -> Result<Self, Failure> {
        let name = split_pin(&config.data.dataset).0;
        Ok(Self::held(path, name, vec![read_as_text(path)?]))
    }

    /// A text file that is scored whole, under the name that a token file has for
    /// itself, or else the file's.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn open_test(path: &Path) -> Result<Self, Failure> {
        let opened = Self::texts(path, &file_name(path))?;
        Ok(Self { name: opened.title().into(), ..opened })
    }

    /// As [`open_test`](Self::open_test), of a text, whatever it looks like.
    ///
    /// # Errors
    /// If it cannot be read, is empty or not UTF-8.
    pub fn open_test_as_text(path: &Path) -> Result<Self, Failure> {
        Ok(Self::held(path, &file_name(path), vec![read_as_text(path)?]))
    }

    /// The whole text, to be scored by a model of `vocab`.
    ///
    /// # Errors
    /// If the text does not fit the vocabulary, or the source holds puzzles.
    pub fn test_text(&self, vocab: &Vocab) -> Result<TextDataset, DataError> {
        match &self.content {
            OpenedData::Texts(texts) => TextDataset::for_test(&self.name, texts, vocab),
            OpenedData::Tokens(file) => TextDataset::for_test_file(file.clone(), vocab),
            _ => Err(DataError::NotText { name: self.name.clone() }),
        }
    }

    /// All questions of the user's file, to be scored; `None` if it holds none.
    #[cfg(feature = "llm")]
    pub fn test_questions(&self) -> Option<QuestionDataset> {
        match &self.content {
            OpenedData::Questions(source) => QuestionDataset::for_test(source),
            _ => None,
        }
    }

    /// The user's file or folder; `None` for what is built in.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// SHA-256 of the texts, the tokens or the user's questions, in hexadecimal; empty for
    /// other data, whose digest is known when they are loaded.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// The name for results: the one that a token file has for itself, or else
    /// [`name`](Self::name).
    pub fn title(&self) -> &str {
        match &self.content {
            OpenedData::Tokens(file) => file.name(),
            _ => &self.name,
        }
    }

    /// Completes the settings of a new run: the name and digest of the user's file, so
    /// that the run goes on with the same, and the tokenizer of a token file.
    /// `tokenizer_given` says whether the configuration's was asked for.
    ///
    /// # Errors
    /// If the file has nothing to train on, or was made with another tokenizer than
    /// the one that was asked for.
    pub fn complete(
        &mut self,
        config: &mut RunConfig,
        tokenizer_given: bool,
    ) -> Result<(), DataError> {
        let data = &mut config.data;
        if let OpenedData::Tokens(file) = &self.content {
            if file.is_test() {
                return Err(DataError::OnlyScored { path: file.path().display().to_string() });
            }
            if let Some(found) = tokenizer(file.vocab()) {
                check_tokenizer(tokenizer_given.then_some(data.tokenizer), found, file)?;
                data.tokenizer = found;
            }
        }
        if let (Some(path), OpenedData::Texts(_) | OpenedData::Tokens(_)) =
            (&self.path, &self.content)
        {
            let (name, digest) = split_pin(&data.dataset);
            if name == SHAKESPEARE || digest.is_some() {
                self.name = file_name(path);
            }
            data.dataset = pinned(&self.name, &self.sha256);
        }
        #[cfg(feature = "images")]
        if let (Some(_), OpenedData::Images(_)) = (&self.path, &self.content) {
            data.dataset.clone_from(&self.name);
        }
        #[cfg(feature = "llm")]
        if let (Some(_), OpenedData::Questions(_)) = (&self.path, &self.content) {
            data.dataset = pinned(&self.name, &self.sha256);
        }
        Ok(())
    }

    /// The name of the user's text or questions, if they are other than those of `dataset`,
    /// the setting of a run: that names them, and keeps the digest of what is not built in.
    pub fn other_than(&self, dataset: &str) -> Option<String> {
        let path = self.path.as_deref()?;
        let same = match (&self.content, split_pin(dataset)) {
            #[cfg(feature = "llm")]
            (OpenedData::Questions(_), (_, digest)) => {
                digest.is_some() && self.expect_same(dataset).is_ok()
            }
            (OpenedData::Texts(_) | OpenedData::Tokens(_), (_, Some(_))) => {
                self.expect_same(dataset).is_ok()
            }
            #[cfg(feature = "shakespeare")]
            (OpenedData::Texts(_) | OpenedData::Tokens(_), (SHAKESPEARE, None)) => {
                self.sha256 == crate::text::SHAKESPEARE_SHA256
            }
            _ => true,
        };
        (!same).then(|| match &self.content {
            OpenedData::Tokens(file) => file.name().to_owned(),
            _ => file_name(path),
        })
    }

    /// The same under another name, by which messages call it.
    pub fn called(self, name: String) -> Self {
        Self { name, ..self }
    }

    /// Refuses other texts or questions than those that `dataset`, the setting of a run, was
    /// started with. Its digest decides; without one everything is accepted.
    ///
    /// # Errors
    /// If the digests differ.
    pub fn expect_same(&self, dataset: &str) -> Result<(), DataError> {
        let (name, Some(wanted)) = split_pin(dataset) else { return Ok(()) };
        // Runs of older versions keep the digest of the file's bytes.
        let as_saved = || match &self.content {
            OpenedData::Texts(texts) => digest_of(texts.iter().cloned()).starts_with(wanted),
            _ => false,
        };
        if self.sha256.starts_with(wanted) || as_saved() {
            return Ok(());
        }
        let (name, wanted) = (name.into(), wanted.into());
        let found = self.sha256.get(..PIN_DIGITS).unwrap_or("no digest").into();
        Err(match &self.content {
            #[cfg(feature = "llm")]
            OpenedData::Questions(_) => DataError::OtherQuestions { name, wanted, found },
            _ => DataError::OtherText { name, wanted, found },
        })
    }
}

fn check_tokenizer(
    wanted: Option<Tokenizer>,
    found: Tokenizer,
    file: &TokenFile,
) -> Result<(), DataError> {
    match wanted {
        Some(wanted) if wanted != found => Err(DataError::OtherTokenizer {
            path: file.path().display().to_string(),
            found: crate::text::describe(file.vocab()),
        }),
        _ => Ok(()),
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(all(test, feature = "llm"))]
mod tests {
    use super::*;

    #[test]
    fn a_run_goes_on_with_its_own_questions_only() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("my.jsonl");
        let write = |answer: &str| {
            let lines =
                (0..5).map(|k| format!("{{\"question\": \"{k}\", \"answer\": \"{answer}\"}}\n"));
            std::fs::write(&path, lines.collect::<String>()).expect("written");
            OpenedSource::questions(&path).expect("questions")
        };
        let mut config = RunConfig::default();
        let mut opened = write("a");
        opened.complete(&mut config, false).expect("complete");
        let dataset = config.data.dataset.clone();
        assert_eq!(
            dataset.split_once('@').map(|(name, pin)| (name, pin.len())),
            Some(("my.jsonl", 12))
        );
        assert!(write("a").expect_same(&dataset).is_ok());
        let error = write("b").expect_same(&dataset).expect_err("others").to_string();
        assert!(error.starts_with("these are not the questions"), "{error}");
        let crate::Dataset::Questions(data) = opened.load(&config, None).expect("loaded") else {
            panic!("questions");
        };
        assert_eq!((data.name.as_str(), data.train.len(), data.val.len()), ("my.jsonl", 4, 1));
        assert!(matches!(opened.text(&config, None), Err(DataError::NotText { .. })));
    }
}
