//! The data that a model is trained on.

use trm_data::Corpus;
use trm_data::puzzles::{Kind, PuzzleData};
use trm_spec::{Failure, FailureKind, Lessons, RunConfig, VariantSpec, Vocab};

use crate::family::{LANGUAGE, PUZZLES, not_in_this_build};

/// Loaded data of either family.
#[allow(
    clippy::large_enum_variant,
    reason = "made once for a run, moved once; on 32 bits they are nearly alike"
)]
pub enum Material {
    /// Text, for language models.
    Text(Corpus),
    /// Puzzles with their answers.
    Puzzles(PuzzleData),
}

impl From<Corpus> for Material {
    fn from(corpus: Corpus) -> Self {
        Self::Text(corpus)
    }
}

impl From<PuzzleData> for Material {
    fn from(data: PuzzleData) -> Self {
        Self::Puzzles(data)
    }
}

impl Material {
    /// Loads what `lessons` and `config` name. A text is encoded with `vocab`, where a
    /// model has one already.
    ///
    /// # Errors
    /// If the text cannot be used, or there are no such puzzles.
    pub fn new(
        lessons: &Lessons,
        config: &RunConfig,
        vocab: Option<&Vocab>,
    ) -> Result<Self, Failure> {
        let data = &config.data;
        match lessons {
            Lessons::Text { text } if LANGUAGE => {
                Ok(Self::Text(Corpus::from_spec(data, text, vocab)?))
            }
            Lessons::Puzzles if PUZZLES => {
                let source = Kind::known(&data.dataset)?.source(data, config.train.seed);
                Ok(source.load(data.num_puzzles, data.num_val_puzzles, data.augment)?.into())
            }
            #[cfg(feature = "puzzles")]
            Lessons::Tasks { name, text } => {
                use trm_data::puzzles::{Place, PuzzleSource, TaskFile};

                let tasks = Place::Text { name: name.clone(), text: text.clone() };
                let files = vec![TaskFile { tasks, solutions: None }];
                let (guises, seed) = (data.num_aug, config.train.seed);
                let source = PuzzleSource::Arc { files, guises, seed };
                Ok(source.load(data.num_puzzles, data.num_val_puzzles, data.augment)?.into())
            }
            _ => Err(not_in_this_build(&config.model)),
        }
    }
}

/// `material` is of another family than `model`.
pub(crate) fn wrong_data(model: &VariantSpec, material: &Material) -> Failure {
    let given = match material {
        Material::Text(_) => "a text",
        Material::Puzzles(_) => "puzzles",
    };
    Failure::new(
        FailureKind::Corpus,
        format!("a `{}` model cannot be trained on {given}", model.name()),
        "Texts are for language models, puzzles for puzzle models.",
    )
}
