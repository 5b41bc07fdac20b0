//! The model families that this build holds. In browsers each family comes as a
//! module of its own, so that a page loads only the code it needs.

use trm_spec::{Failure, FailureKind, Family, VariantSpec};

/// Whether this build holds language models.
pub(crate) const LANGUAGE: bool = cfg!(feature = "language");
/// Whether this build holds puzzle solvers.
pub(crate) const PUZZLES: bool = cfg!(feature = "puzzles");

/// Whether this build holds image classifiers.
pub(crate) const IMAGES: bool = cfg!(feature = "images");

/// Whether this build holds models that answer questions.
pub(crate) const QUESTIONS: bool = cfg!(feature = "llm");

/// Whether this build holds models like `model`.
pub(crate) fn is_in_this_build(model: &VariantSpec) -> bool {
    match model.family() {
        Family::Language => LANGUAGE,
        Family::Puzzles => PUZZLES,
        Family::Images => IMAGES,
        Family::Questions => QUESTIONS,
    }
}

/// `model` belongs to a family that this build does not hold.
pub(crate) fn not_in_this_build(model: &VariantSpec) -> Failure {
    let (is, page) = match model.family() {
        Family::Language => ("is a language model", "Text page"),
        Family::Puzzles => ("is a puzzle solver", "Puzzles page"),
        Family::Images => ("is an image classifier", "Images page"),
        Family::Questions => ("answers questions", "Questions page"),
    };
    Failure::new(
        FailureKind::Family,
        format!("this `{}` model {is}, which this page cannot open", model.name()),
        format!("Open it on the {page}."),
    )
}

/// `model` is loaded where only models that answer questions are.
#[cfg(feature = "llm")]
pub(crate) fn not_a_question_model(model: &VariantSpec) -> Failure {
    Failure::new(
        FailureKind::Family,
        format!("this is a `{}` model, and does not answer questions", model.name()),
        "Load a checkpoint of an LLM-TRM (trm-native train cups-5).",
    )
}
