//! Loading datasets, and opening their sources: which data a source holds is decided by the name of the
//! dataset and the form of the files. What was opened can be loaded several times,
//! for other configurations and vocabularies.

use std::borrow::Cow;
#[cfg(feature = "files")]
use std::path::PathBuf;
#[cfg(feature = "files")]
use std::sync::Arc;

use trm_spec::{
    DataSource, DataSpec, Failure, FailureKind, Family, PUZZLE_KINDS, RunConfig, Vocab,
};

use crate::dataset::Dataset;
use crate::error::DataError;
#[cfg(feature = "digits")]
use crate::images::DIGITS;
use crate::images::Preprocessing;
#[cfg(feature = "images")]
use crate::images::{ImageDataset, ImageOptions, ImageSource, read_table};
#[cfg(feature = "files")]
use crate::pin::split_pin;
#[cfg(feature = "puzzles")]
use crate::puzzles::TextSource;
use crate::puzzles::{PuzzleKind, Seen};
#[cfg(any(feature = "files", feature = "puzzles"))]
use crate::puzzles::{PuzzleSource, TaskFile};
#[cfg(feature = "llm")]
use crate::questions::{QuestionDataset, QuestionKind, QuestionSource};
#[cfg(feature = "files")]
use crate::text::TokenFile;
use crate::text::{TextDataset, check};

#[cfg(feature = "files")]
mod files;

/// The text that the native program carries.
pub const SHAKESPEARE: &str = "shakespeare";

/// The dataset of ARC's tasks, which the user gives.
pub const ARC: &str = PUZZLE_KINDS.arc.name;

impl Dataset {
    /// The dataset of `source` as `config` asks for it: its `data` section, and its
    /// seed for puzzles and questions. A text is tokenized with `vocab`, where a model has one
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
            DataSource::Text { name, text }
                if cfg!(feature = "language")
                    && !answers_questions(config)
                    && config.model.image().is_none() =>
            {
                check(name, text.as_bytes())?;
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

/// Whether the model of `config` reads questions, if this build has them.
fn answers_questions(config: &RunConfig) -> bool {
    cfg!(feature = "llm") && config.model.family() == Family::Questions
}

/// A data source that has been opened: its texts or questions are read, its token file
/// is mapped, or its kind of puzzles or questions is known.
#[derive(Clone, Debug)]
pub struct OpenedSource {
    name: String,
    content: OpenedData,
    /// The user's file or folder.
    #[cfg(feature = "files")]
    path: Option<PathBuf>,
    /// SHA-256 of the texts, the tokens or the user's questions; empty for puzzles and
    /// texts in memory.
    #[cfg(feature = "files")]
    sha256: String,
}

#[derive(Clone, Debug)]
enum OpenedData {
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
    /// Questions, generated or the user's own.
    #[cfg(feature = "llm")]
    Questions(QuestionSource),
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
            #[cfg(feature = "llm")]
            DataSource::Text { name, text } if answers_questions(config) => {
                Ok(Self::of(name, OpenedData::Questions(QuestionSource::parse(name, text)?)))
            }
            #[cfg(feature = "images")]
            DataSource::Text { name, text } if config.model.image().is_some() => {
                if name != dataset {
                    return Err(DataError::NotCarried { name: dataset.into() }.into());
                }
                let images = ImageSource::Memory(read_table(name, text)?);
                Ok(Self::of(name, OpenedData::Images(images)))
            }
            DataSource::Text { name, text } => {
                check(name, text.as_bytes())?;
                Ok(Self::of(name, OpenedData::Texts(vec![text.clone().into()])))
            }
            #[cfg(feature = "puzzles")]
            DataSource::ArcTasks { name, text } => {
                let tasks = TextSource::Text { name: name.clone(), text: text.clone() };
                Ok(Self::of(dataset, OpenedData::Arc(vec![TaskFile { tasks, solutions: None }])))
            }
            #[cfg(all(feature = "files", feature = "images"))]
            DataSource::Files { path } if config.model.image().is_some() => Ok(Self::images(path)),
            #[cfg(all(feature = "files", feature = "llm"))]
            DataSource::Files { path } if answers_questions(config) => Self::questions(path),
            #[cfg(feature = "files")]
            DataSource::Files { path } => Self::files(path, dataset),
            #[allow(unreachable_patterns, reason = "not with every feature")]
            _ => Err(DataError::NoFiles.into()),
        }
    }

    fn of(name: &str, content: OpenedData) -> Self {
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
            return Ok(Self::of(dataset, OpenedData::Generated(kind)));
        }
        #[cfg(feature = "llm")]
        if let Some(kind) = QuestionKind::named(dataset) {
            return Ok(Self::of(dataset, OpenedData::Questions(QuestionSource::Generated(kind))));
        }
        #[cfg(feature = "digits")]
        if dataset == DIGITS {
            return Ok(Self::of(dataset, OpenedData::Images(ImageSource::Digits)));
        }
        #[cfg(feature = "shakespeare")]
        if dataset == SHAKESPEARE {
            let content = OpenedData::Texts(vec![crate::text::shakespeare().into()]);
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
    /// enough puzzles or questions.
    pub fn load(&self, config: &RunConfig, vocab: Option<&Vocab>) -> Result<Dataset, Failure> {
        self.load_seen(config, vocab, &mut |_, _| ())
    }

    /// As [`load`](Self::load). `seen` is told how many puzzles are generated, and of how many.
    ///
    /// # Errors
    /// As of `load`.
    pub fn load_seen(
        &self,
        config: &RunConfig,
        vocab: Option<&Vocab>,
        seen: Seen<'_>,
    ) -> Result<Dataset, Failure> {
        #[cfg(feature = "images")]
        if let OpenedData::Images(source) = &self.content {
            let options = ImageOptions {
                preprocessing: image_preprocessing(config)?,
                val_fraction: config.data.val_fraction,
            };
            return Ok(ImageDataset::load(source, &options)?.into());
        }
        #[cfg(feature = "llm")]
        if let OpenedData::Questions(source) = &self.content {
            return Ok(QuestionDataset::load(source, &config.data, config.train.seed)?.into());
        }
        if !cfg!(feature = "puzzles") {
            return Ok(self.text(config, vocab)?.into());
        }
        let (data, seed) = (&config.data, config.train.seed);
        let source = match &self.content {
            OpenedData::Generated(kind) => kind.source(data, seed),
            #[cfg(any(feature = "files", feature = "puzzles"))]
            OpenedData::Arc(files) => {
                PuzzleSource::Arc { files: files.clone(), augmentations: data.num_aug, seed }
            }
            #[cfg(feature = "files")]
            OpenedData::Puzzles(source) => source.clone(),
            _ => return Ok(self.text(config, vocab)?.into()),
        };
        Ok(source.load_seen(data.num_puzzles, data.num_val_puzzles, data.augment, seen)?.into())
    }

    /// As [`load`](Self::load), of texts only.
    ///
    /// # Errors
    /// As of `load`, and if the source holds other data than text.
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
            OpenedData::Texts(texts) => TextDataset::from_texts(&spec, texts, vocab),
            #[cfg(feature = "files")]
            OpenedData::Tokens(file) => TextDataset::from_file(&spec, file.clone(), vocab),
            _ => Err(DataError::NotText { name: self.name.clone() }),
        }
    }
}

#[cfg(feature = "files")]
fn without_pin(dataset: &str) -> &str {
    split_pin(dataset).0
}

#[cfg(not(feature = "files"))]
fn without_pin(dataset: &str) -> &str {
    dataset
}
