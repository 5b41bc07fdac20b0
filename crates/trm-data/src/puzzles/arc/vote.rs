//! The predictions for all augmented copies of a test grid, combined into two attempts
//! by majority vote.

use std::collections::HashMap;

use trm_spec::PUZZLE_KINDS;

use super::grid::Grid;

/// Attempts that ARC allows.
pub const ATTEMPTS: usize = PUZZLE_KINDS.arc.attempts;

/// One answer, turned back to the task as it was given, and how sure the model
/// is of it: the probability of halting.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// The predicted grid.
    pub answer: Grid,
    /// Probability of halting, which estimates that it is correct.
    pub q: f64,
}

/// An answer with its votes.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// The predicted grid.
    pub answer: Grid,
    /// Votes for it.
    pub count: usize,
    /// Mean of `q` over its votes.
    pub mean_q: f64,
}

/// The answers by how often they were given, then by how sure the model was on
/// average, then by which came first.
pub fn vote(predictions: &[Prediction]) -> Vec<Candidate> {
    let mut places = HashMap::new();
    let mut candidates: Vec<Candidate> = Vec::new();
    for Prediction { answer, q } in predictions {
        let place = *places.entry(answer).or_insert_with(|| {
            candidates.push(Candidate { answer: answer.clone(), count: 0, mean_q: 0.0 });
            candidates.len() - 1
        });
        candidates[place].count += 1;
        // The sum until all are counted.
        candidates[place].mean_q += q;
    }
    for candidate in &mut candidates {
        candidate.mean_q /= candidate.count as f64;
    }
    candidates.sort_by(|a, b| b.count.cmp(&a.count).then(b.mean_q.total_cmp(&a.mean_q)));
    candidates
}

/// The first [`ATTEMPTS`] candidates, the first again where there are too few;
/// empty without any.
pub fn attempts(candidates: &[Candidate]) -> Vec<Grid> {
    let Some(first) = candidates.first() else { return Vec::new() };
    let answers = candidates.iter().chain(std::iter::repeat(first));
    answers.take(ATTEMPTS).map(|candidate| candidate.answer.clone()).collect()
}

/// Whether one of the first `attempts` candidates is right.
pub fn solved(candidates: &[Candidate], truth: &Grid, attempts: usize) -> bool {
    candidates.iter().take(attempts).any(|candidate| candidate.answer == *truth)
}
