//! Whether a dataset fits a model.

use trm_data::puzzles::PuzzleDataset;
use trm_data::{DataError, Dataset, TextDataset, describe};
use trm_spec::{Failure, FailureKind, TrmSpec, VariantSpec, Vocab};

/// The text of `data`, for a model of `vocab`.
///
/// # Errors
/// If it is no text, has other tokens, or is too short for a block.
pub(crate) fn expect_text(
    model: &VariantSpec,
    vocab: &Vocab,
    data: Dataset,
) -> Result<TextDataset, Failure> {
    let Dataset::Text(text) = data else { return Err(unfit(model, &data)) };
    if text.vocab() != vocab {
        return Err(DataError::OtherVocab {
            name: text.name().into(),
            found: describe(text.vocab()),
            wanted: describe(vocab),
        }
        .into());
    }
    text.check_block(model.length())?;
    Ok(text)
}

/// The puzzles of `data`, for a model of `vocab`.
///
/// # Errors
/// If they are no puzzles, or of another size or other tasks.
pub(crate) fn expect_puzzles(
    model: &VariantSpec,
    vocab: &Vocab,
    data: Dataset,
) -> Result<PuzzleDataset, Failure> {
    match (model, data) {
        (VariantSpec::Trm(spec), Dataset::Puzzles(puzzles)) => {
            check_puzzles(spec, vocab, &puzzles)?;
            Ok(puzzles)
        }
        (model, data) => Err(unfit(model, &data)),
    }
}

/// The data is of another family than the model.
pub(crate) fn unfit(model: &VariantSpec, data: &Dataset) -> Failure {
    let given = match data {
        Dataset::Text(_) => "a text",
        Dataset::Puzzles(_) => "puzzles",
    };
    Failure::new(
        FailureKind::Corpus,
        format!("a `{}` model is not trained on {given}", model.name()),
        "Texts are for language models, puzzles for puzzle models.",
    )
}

/// Refuses puzzles that the model was not made for.
pub(crate) fn check_puzzles(
    spec: &TrmSpec,
    vocab: &Vocab,
    data: &PuzzleDataset,
) -> Result<(), Failure> {
    let refused = |key: &str, model: usize, puzzles: usize| {
        Err(Failure::new(
            FailureKind::Corpus,
            format!("the model's {key} is {model}, but the puzzles have {puzzles}"),
            "Choose puzzles of the model's size, or change the setting.",
        ))
    };
    for set in [&data.train, &data.val].into_iter().filter(|set| !set.is_empty()) {
        if set.seq_len != spec.seq_len {
            return refused("seq_len", spec.seq_len, set.seq_len);
        }
        if set.vocab != vocab.size() {
            return refused("vocabulary", vocab.size(), set.vocab);
        }
        if set.num_identifiers > spec.num_puzzle_identifiers {
            return refused(
                "num_puzzle_identifiers",
                spec.num_puzzle_identifiers,
                set.num_identifiers,
            );
        }
    }
    // Identifiers mean what they meant when their embeddings were learned.
    if let (Vocab::Arc { tasks }, Some(given)) = (vocab, &data.tasks)
        && tasks != given
    {
        return Err(Failure::new(
            FailureKind::Corpus,
            format!(
                "the model has embeddings for {} tasks, and these {} are other tasks or augmented in another way",
                tasks.len(),
                given.len()
            ),
            "Give the tasks that it was trained on, with the same num_aug and seed, or start a new run.",
        ));
    }
    if data.train.is_empty() {
        return Err(Failure::new(
            FailureKind::Corpus,
            "there are no puzzles to learn from",
            "Set num_puzzles above 0, or give a folder with puzzles.",
        ));
    }
    Ok(())
}
