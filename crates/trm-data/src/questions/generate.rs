//! Sets of generated questions.

use std::ops::RangeInclusive;

use rand::RngExt;

use super::error::QuestionError;
use super::kind::QuestionKind;
use super::numbered::Numbered;
use super::plan::{Share, plan_one};
use super::question::Question;
use crate::draw::{draw, stream};
use crate::epochs::Permutation;

/// `count` different questions of `kind`, of each of `difficulties` alike as far as
/// there are enough, in an order of `seed`.
///
/// ```
/// use trm_data::questions::{QuestionKind, generate};
///
/// let questions = generate(QuestionKind::Cups, 1..=2, 12, 7)?;
/// assert_eq!(questions.len(), 12);
/// assert!(questions.iter().all(|each| ["A", "B", "C"].contains(&each.answer.as_str())));
/// # Ok::<(), trm_data::questions::QuestionError>(())
/// ```
///
/// # Errors
/// If there are not so many different questions, or no such difficulties.
pub fn generate(
    kind: QuestionKind,
    difficulties: RangeInclusive<usize>,
    count: usize,
    seed: u64,
) -> Result<Vec<Question>, QuestionError> {
    Ok(mixed(made(kind, &plan_one(kind, difficulties, count)?, seed), seed))
}

/// The questions of `shares`, the easiest first.
pub(super) fn made(kind: QuestionKind, shares: &[Share], seed: u64) -> Vec<Question> {
    let asked = shares.iter().filter(|share| !share.numbers.is_empty());
    asked
        .flat_map(|share| {
            let all = Numbered::new(kind, share.difficulty, seed);
            share.numbers.clone().map(move |number| all.question(number))
        })
        .collect()
}

/// The same questions in an order of `seed`.
pub(super) fn mixed(questions: Vec<Question>, seed: u64) -> Vec<Question> {
    let Some(order) = order(questions.len(), seed) else { return questions };
    (0..questions.len() as u64).map(|at| questions[order.at(at) as usize].clone()).collect()
}

/// An order of `size` questions; none for no questions.
pub(super) fn order(size: usize, seed: u64) -> Option<Permutation> {
    // Difficulties are numbered from 1.
    let keys = draw(seed, stream::QUESTIONS_MADE, 0).random();
    (size > 0).then_some(Permutation { keys, size: size as u64 })
}
