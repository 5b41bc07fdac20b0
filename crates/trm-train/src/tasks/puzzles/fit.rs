//! Whether puzzles fit a model.

use trm_data::puzzles::PuzzleDataset;
use trm_spec::{Failure, FailureKind, TrmSpec, Vocab};

use crate::checks::check_tokens;

/// Checks that a model of `spec` and `vocab` can be trained on `data`.
///
/// # Errors
/// Names the first size that differs.
pub(super) fn check_data(
    spec: &TrmSpec,
    vocab: &Vocab,
    data: &PuzzleDataset,
) -> Result<(), Failure> {
    let refused = |key: &str, model: usize, puzzles: usize| {
        Err(Failure::new(
            FailureKind::Data,
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
            FailureKind::Data,
            format!(
                "the model has embeddings for {} tasks; these {} tasks, or their augmented copies, are different",
                tasks.len(),
                given.len()
            ),
            "Give the tasks that it was trained on, with the same num_aug and seed, or start a new run.",
        ));
    }
    if data.train.is_empty() {
        return Err(Failure::new(
            FailureKind::Data,
            "there are no training puzzles",
            "Set num_puzzles above 0, or give a folder with puzzles.",
        ));
    }
    Ok(())
}

/// Checks that rows are puzzles of a model of `spec` and `vocab`, and that it knows
/// their identifiers.
///
/// # Errors
/// Names the first row, token or identifier that does not fit.
pub(super) fn check_rows(
    spec: &TrmSpec,
    vocab: &Vocab,
    rows: &[Vec<u32>],
    identifiers: &[u32],
) -> Result<(), Failure> {
    let refused =
        |message: String, hint: String| Err(Failure::new(FailureKind::Prompt, message, hint));
    let length = spec.seq_len;
    if let Some((number, row)) = rows.iter().enumerate().find(|(_, row)| row.len() != length) {
        return refused(
            format!("puzzle {number} has {} cells, but this model's have {length}", row.len()),
            format!("Give puzzles of {length} cells, or a model of their size."),
        );
    }
    check_tokens(rows.iter().flatten(), vocab.size())?;
    if !identifiers.is_empty() && identifiers.len() != rows.len() {
        return refused(
            format!("there are {} puzzles, but {} identifiers", rows.len(), identifiers.len()),
            "Give one puzzle_identifier for each puzzle, or none.".into(),
        );
    }
    let known = spec.num_puzzle_identifiers;
    match identifiers.iter().find(|id| **id as usize >= known) {
        None => Ok(()),
        Some(id) => refused(
            format!("puzzle identifier {id} is outside the {known} that this model knows"),
            format!("Give identifiers from 0 to {}.", known.saturating_sub(1)),
        ),
    }
}
