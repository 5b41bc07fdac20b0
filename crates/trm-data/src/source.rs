//! Loading datasets, and opening their sources: which data a source holds is decided by the name of the
//! dataset and the form of the files. What was opened can be loaded several times,
//! for other configurations and vocabularies.

use std::borrow::Cow;
#[cfg(feature = "files")]
use std::path::{Path, PathBuf};
#[cfg(feature = "files")]
use std::sync::Arc;

#[cfg(feature = "files")]
use trm_spec::Tokenizer;
use trm_spec::{DataSource, DataSpec, Failure, FailureKind, PUZZLE_KINDS, RunConfig, Vocab};

use crate::dataset::Dataset;
use crate::error::DataError;
#[cfg(feature = "digits")]
use crate::images::DIGITS;
use crate::images::Preprocessing;
#[cfg(feature = "images")]
use crate::images::{ImageDataset, ImageOptions, ImageSource};
#[cfg(feature = "files")]
use crate::pin::{PIN_DIGITS, digest_of, pinned, split_pin};
use crate::puzzles::PuzzleKind;
#[cfg(any(feature = "files", feature = "puzzles"))]
use crate::puzzles::{PuzzleSource, TaskFile, TextSource};
use crate::text::TextDataset;
#[cfg(feature = "files")]
use crate::text::{TEXT_FIELD, TokenFile, read_texts, tokenizer};

/// The text that the native program carries.
pub const SHAKESPEARE: &str = "shakespeare";

/// The dataset of ARC's tasks, which the user gives.
pub const ARC: &str = PUZZLE_KINDS.arc.name;

impl Dataset {
    /// The dataset of `source` as `config` asks for it: its `data` section, and its
    /// seed for puzzles. A text is tokenized with `vocab`, where a model has one
    /// already.
    ///
    /// # Errors
    /// If the source cannot be read, holds no such data, or belongs to a family or
    /// a feature that this build leaves out.
    pub fn load(
        source: &DataSource,
        config: &RunConfig,
        vocab: Option<&Vocab>,
    ) -> Result<Self, Failure> {
        match source {
            // Without a copy of the text.
            DataSource::Text { name, text } if cfg!(feature = "language") => {
                let spec = DataSpec { dataset: name.clone(), ..config.data.clone() };
                Ok(TextDataset::from_spec(&spec, text, vocab)?.into())
            }
            _ => OpenedSource::open(source, config)?.load(config, vocab),
        }
    }
}

/// How images become the inputs of the image classifier that `config` describes.
///
/// # Errors
/// If it describes none, or there is not one mean and deviation for each channel.
pub fn image_preprocessing(config: &RunConfig) -> Result<Preprocessing, Failure> {
    let shape = config.model.image().ok_or_else(|| {
        Failure::new(
            FailureKind::Config,
            format!("a `{}` model does not read images", config.model.name()),
            "Choose an image classifier, or other data.",
        )
    })?;
    let new = if config.data.resize { Preprocessing::resizing } else { Preprocessing::new };
    let preprocessing = Preprocessing {
        mean: config.data.pixel_mean.clone(),
        std: config.data.pixel_std.clone(),
        ..new(shape.channels, shape.size)
    };
    preprocessing.validate()?;
    Ok(preprocessing)
}

/// A data source that has been opened: its texts are read, its token file is mapped,
/// or its kind of puzzles is known.
#[derive(Clone, Debug)]
pub struct OpenedSource {
    name: String,
    content: Content,
    /// The user's file or folder.
    #[cfg(feature = "files")]
    path: Option<PathBuf>,
    /// SHA-256 of the texts or of the tokens; empty for puzzles and texts in memory.
    #[cfg(feature = "files")]
    sha256: String,
}

#[derive(Clone, Debug)]
enum Content {
    /// One text, or those of JSON lines.
    Texts(Vec<Cow<'static, str>>),
    #[cfg(feature = "files")]
    Tokens(Arc<TokenFile>),
    /// Puzzles that are generated.
    Generated(PuzzleKind),
    /// ARC tasks.
    #[cfg(any(feature = "files", feature = "puzzles"))]
    Arc(Vec<TaskFile>),
    /// The user's own puzzles.
    #[cfg(feature = "files")]
    Puzzles(PuzzleSource),
    /// Images, in memory or on disk.
    #[cfg(feature = "images")]
    Images(ImageSource),
}

impl OpenedSource {
    /// Opens `source` as `config` asks for it: by its dataset, and for files by the kind
    /// of its model.
    ///
    /// # Errors
    /// If nothing is known by the name `dataset`, or a file cannot be read.
    pub fn open(source: &DataSource, config: &RunConfig) -> Result<Self, Failure> {
        let dataset = without_pin(&config.data.dataset);
        match source {
            DataSource::Named => Self::named(dataset),
            DataSource::Text { name, text } => {
                Ok(Self::of(name, Content::Texts(vec![text.clone().into()])))
            }
            #[cfg(feature = "puzzles")]
            DataSource::ArcTasks { name, text } => {
                let tasks = TextSource::Text { name: name.clone(), text: text.clone() };
                Ok(Self::of(dataset, Content::Arc(vec![TaskFile { tasks, solutions: None }])))
            }
            #[cfg(all(feature = "files", feature = "images"))]
            DataSource::Files { path } if config.model.image().is_some() => Ok(Self {
                path: Some(path.clone()),
                ..Self::of(&file_name(path), Content::Images(ImageSource::Files(path.clone())))
            }),
            #[cfg(feature = "files")]
            DataSource::Files { path } => Self::files(path, dataset),
            #[allow(unreachable_patterns, reason = "not with every feature")]
            _ => Err(DataError::NoFiles.into()),
        }
    }

    fn of(name: &str, content: Content) -> Self {
        Self {
            name: name.into(),
            content,
            #[cfg(feature = "files")]
            path: None,
            #[cfg(feature = "files")]
            sha256: String::new(),
        }
    }

    fn named(dataset: &str) -> Result<Self, Failure> {
        if let Some(kind) = PuzzleKind::named(dataset) {
            return Ok(Self::of(dataset, Content::Generated(kind)));
        }
        #[cfg(feature = "digits")]
        if dataset == DIGITS {
            return Ok(Self::of(dataset, Content::Images(ImageSource::Digits)));
        }
        #[cfg(feature = "shakespeare")]
        if dataset == SHAKESPEARE {
            let content = Content::Texts(vec![crate::text::shakespeare().into()]);
            return Ok(Self {
                #[cfg(feature = "files")]
                sha256: crate::text::SHAKESPEARE_SHA256.into(),
                ..Self::of(dataset, content)
            });
        }
        Err(match dataset {
            ARC => DataError::NoTasks,
            name => DataError::NotCarried { name: name.into() },
        }
        .into())
    }

    /// What the configuration's `dataset` calls it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Loads the dataset that `config` describes. A text is tokenized with `vocab`,
    /// where a model has one already.
    ///
    /// # Errors
    /// If the data does not fit the vocabulary, cannot be read, or there are not
    /// enough puzzles.
    pub fn load(&self, config: &RunConfig, vocab: Option<&Vocab>) -> Result<Dataset, Failure> {
        #[cfg(feature = "images")]
        if let Content::Images(source) = &self.content {
            let options = ImageOptions {
                preprocessing: image_preprocessing(config)?,
                val_fraction: config.data.val_fraction,
            };
            return Ok(ImageDataset::load(source, &options)?.into());
        }
        if !cfg!(feature = "puzzles") {
            return Ok(self.text(config, vocab)?.into());
        }
        let (data, seed) = (&config.data, config.train.seed);
        let source = match &self.content {
            Content::Generated(kind) => kind.source(data, seed),
            #[cfg(any(feature = "files", feature = "puzzles"))]
            Content::Arc(files) => {
                PuzzleSource::Arc { files: files.clone(), augmentations: data.num_aug, seed }
            }
            #[cfg(feature = "files")]
            Content::Puzzles(source) => source.clone(),
            _ => return Ok(self.text(config, vocab)?.into()),
        };
        Ok(source.load(data.num_puzzles, data.num_val_puzzles, data.augment)?.into())
    }

    /// As [`load`](Self::load), of texts only.
    ///
    /// # Errors
    /// As of `load`, and if the source holds puzzles.
    pub fn text(
        &self,
        config: &RunConfig,
        vocab: Option<&Vocab>,
    ) -> Result<TextDataset, DataError> {
        if !cfg!(feature = "language") {
            return Err(DataError::NotText { name: self.name.clone() });
        }
        let spec = DataSpec { dataset: self.name.clone(), ..config.data.clone() };
        match &self.content {
            Content::Texts(texts) => TextDataset::from_texts(&spec, texts, vocab),
            #[cfg(feature = "files")]
            Content::Tokens(file) => TextDataset::from_file(&spec, file.clone(), vocab),
            _ => Err(DataError::NotText { name: self.name.clone() }),
        }
    }
}

/// What only files need: their paths, digests and tokenizers.
#[cfg(feature = "files")]
impl OpenedSource {
    fn files(path: &Path, dataset: &str) -> Result<Self, Failure> {
        use crate::puzzles::{is_official, task_files};

        let official = || Content::Puzzles(PuzzleSource::Official(path.into()));
        let content = match PuzzleKind::named(dataset) {
            None if dataset != ARC => return Self::texts(path, dataset),
            _ if is_official(path) => official(),
            Some(_) if path.is_dir() => official(),
            Some(_) => Content::Puzzles(PuzzleSource::Lines(TextSource::File(path.into()))),
            None => Content::Arc(task_files(path)?),
        };
        Ok(Self { path: Some(path.into()), ..Self::of(dataset, content) })
    }

    /// A token file, JSON lines or a text.
    fn texts(path: &Path, name: &str) -> Result<Self, Failure> {
        let (content, sha256) = if TokenFile::recognise(path)? {
            let file = Arc::new(TokenFile::open(path)?);
            let sha256 = file.sha256().to_owned();
            (Content::Tokens(file), sha256)
        } else {
            let texts = read_texts(path, TEXT_FIELD)?;
            let sha256 = digest_of(&texts);
            (Content::Texts(texts.into_iter().map(Cow::from).collect()), sha256)
        };
        Ok(Self { name: name.into(), content, path: Some(path.into()), sha256 })
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

    /// The whole text, to be scored by a model of `vocab`.
    ///
    /// # Errors
    /// If the text does not fit the vocabulary, or the source holds puzzles.
    pub fn test_text(&self, vocab: &Vocab) -> Result<TextDataset, DataError> {
        match &self.content {
            Content::Texts(texts) => TextDataset::for_test(&self.name, texts, vocab),
            Content::Tokens(file) => TextDataset::for_test_file(file.clone(), vocab),
            _ => Err(DataError::NotText { name: self.name.clone() }),
        }
    }

    /// The name for results: the one that a token file has for itself, or else
    /// [`name`](Self::name).
    pub fn title(&self) -> &str {
        match &self.content {
            Content::Tokens(file) => file.name(),
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
        if let Content::Tokens(file) = &self.content {
            if file.is_test() {
                return Err(DataError::OnlyScored { path: file.path().display().to_string() });
            }
            if let Some(found) = tokenizer(file.vocab()) {
                check_tokenizer(tokenizer_given.then_some(data.tokenizer), found, file)?;
                data.tokenizer = found;
            }
        }
        if let (Some(path), Content::Texts(_) | Content::Tokens(_)) = (&self.path, &self.content) {
            let (name, digest) = split_pin(&data.dataset);
            if name == SHAKESPEARE || digest.is_some() {
                self.name = file_name(path);
            }
            data.dataset = pinned(&self.name, &self.sha256);
        }
        #[cfg(feature = "images")]
        if let (Some(_), Content::Images(_)) = (&self.path, &self.content) {
            data.dataset.clone_from(&self.name);
        }
        Ok(())
    }

    /// Refuses other texts than those that `dataset`, the setting of a run, was
    /// started with. Its digest decides; without one everything is accepted.
    ///
    /// # Errors
    /// If the digests differ.
    pub fn expect_same(&self, dataset: &str) -> Result<(), DataError> {
        match split_pin(dataset) {
            (name, Some(digest)) if !self.sha256.starts_with(digest) => Err(DataError::OtherText {
                name: name.into(),
                wanted: digest.into(),
                found: self.sha256.get(..PIN_DIGITS).unwrap_or("no digest").into(),
            }),
            _ => Ok(()),
        }
    }
}

#[cfg(feature = "files")]
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

#[cfg(feature = "files")]
fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(feature = "files")]
fn without_pin(dataset: &str) -> &str {
    split_pin(dataset).0
}

#[cfg(not(feature = "files"))]
fn without_pin(dataset: &str) -> &str {
    dataset
}
