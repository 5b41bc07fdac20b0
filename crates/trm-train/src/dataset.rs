//! The data that a model is trained on, as far as its family decides.

use trm_data::Dataset;
use trm_spec::{DataSource, Failure, FailureKind, RunConfig, VariantSpec, Vocab};

use crate::family::{is_in_this_build, not_in_this_build};

/// Loads the dataset of `source` for a model of `config`, whose vocabulary is `vocab`
/// where it has one already.
///
/// # Errors
/// If this build does not hold such models, or the data cannot be used.
pub fn load_data(
    source: &DataSource,
    config: &RunConfig,
    vocab: Option<&Vocab>,
) -> Result<Dataset, Failure> {
    if !is_in_this_build(&config.model) {
        return Err(not_in_this_build(&config.model));
    }
    Dataset::load(source, config, vocab)
}

/// `data` is of another family than `model`.
pub(crate) fn wrong_data(model: &VariantSpec, data: &Dataset) -> Failure {
    let given = match data {
        Dataset::Text(_) => "a text",
        Dataset::Puzzles(_) => "puzzles",
        Dataset::Images(_) => "images",
        #[cfg(feature = "llm")]
        Dataset::Questions(_) => "questions",
    };
    Failure::new(
        FailureKind::Data,
        format!("a `{}` model cannot be trained on {given}", model.name()),
        "Texts are for language models, puzzles for puzzle models, images for image classifiers, questions for question models.",
    )
}
