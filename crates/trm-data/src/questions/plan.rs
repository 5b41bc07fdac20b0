//! How many questions of which difficulty the sets of a dataset have.

use std::ops::{Range, RangeInclusive};

use trm_spec::{DataSpec, MAX_DIFFICULTY};

use super::error::{QuestionError, QuestionPart};
use super::kind::{MOST, QuestionKind};
use super::numbered::different;

/// Of a difficulty's questions at most one in so many is held out, so that most of
/// the easy ones, of which there are few, are trained on.
pub(super) const HELD_OUT: usize = 5;

/// Questions of one difficulty, by number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Share {
    pub difficulty: usize,
    pub numbers: Range<u64>,
}

/// The sets of a dataset, which have no question in common.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub train: Vec<Share>,
    pub val: Vec<Share>,
    pub harder: Vec<Share>,
}

/// The sets that `data` asks for.
pub(super) fn plan(kind: QuestionKind, data: &DataSpec) -> Result<Plan, QuestionError> {
    let &DataSpec { num_questions, num_val_questions, min_difficulty, max_difficulty, .. } = data;
    let attempt = |max_difficulty: usize| {
        let harder = max_difficulty + 1..=2 * max_difficulty;
        let known = counts(kind, min_difficulty..=max_difficulty)?;
        let held_out: Vec<_> = known.iter().map(|(d, n)| (*d, n / HELD_OUT as u64)).collect();
        let val = shares(kind, QuestionPart::Val, &held_out, num_val_questions)?;
        let left: Vec<_> =
            known.iter().zip(&val).map(|((d, n), val)| (*d, n - val.numbers.end)).collect();
        let mut train = shares(kind, QuestionPart::Train, &left, num_questions)?;
        for (share, val) in train.iter_mut().zip(&val) {
            let first = val.numbers.end;
            share.numbers = first..first + share.numbers.end;
        }
        let harder = shares(kind, QuestionPart::Harder, &counts(kind, harder)?, num_val_questions)?;
        Ok(Plan { train, val, harder })
    };
    attempt(max_difficulty).map_err(|error| match error {
        QuestionError::TooFew { kind, part, found, wanted, easiest, hardest, .. } => {
            let enough = (max_difficulty + 1..=MAX_DIFFICULTY).find(|most| attempt(*most).is_ok());
            QuestionError::TooFew { kind, part, found, wanted, easiest, hardest, enough }
        }
        other => other,
    })
}

/// A set of `wanted` questions of its own.
pub(super) fn plan_one(
    kind: QuestionKind,
    difficulties: RangeInclusive<usize>,
    wanted: usize,
) -> Result<Vec<Share>, QuestionError> {
    shares(kind, QuestionPart::All, &counts(kind, difficulties)?, wanted)
}

/// How many different questions there are of each difficulty.
fn counts(
    kind: QuestionKind,
    difficulties: RangeInclusive<usize>,
) -> Result<Vec<(usize, u64)>, QuestionError> {
    let (easiest, hardest) = difficulties.clone().into_inner();
    if difficulties.is_empty() || easiest == 0 || hardest > MOST {
        return Err(QuestionError::Difficulties { easiest, hardest, most: MOST });
    }
    Ok(difficulties.map(|difficulty| (difficulty, different(kind, difficulty))).collect())
}

/// `wanted` questions of the difficulties in `counts`, of each alike; where one has
/// fewer, all of them, and more of the others. All numbers begin with 0.
fn shares(
    kind: QuestionKind,
    part: QuestionPart,
    counts: &[(usize, u64)],
    wanted: usize,
) -> Result<Vec<Share>, QuestionError> {
    let found = counts.iter().fold(0, |sum: u64, (_, count)| sum.saturating_add(*count));
    let mut missing = wanted as u64;
    if found < missing {
        let difficulty = |at: Option<&(usize, u64)>| at.map_or(0, |(difficulty, _)| *difficulty);
        return Err(QuestionError::TooFew {
            kind: kind.name(),
            part,
            found,
            wanted,
            easiest: difficulty(counts.first()),
            hardest: difficulty(counts.last()),
            enough: None,
        });
    }
    let mut shares: Vec<_> =
        counts.iter().map(|&(difficulty, _)| Share { difficulty, numbers: 0..0 }).collect();
    // Those with the fewest first: what they lack is shared by the rest.
    let mut order: Vec<_> = (0..counts.len()).collect();
    order.sort_by_key(|at| counts[*at].1);
    for (done, at) in order.iter().enumerate() {
        let share = counts[*at].1.min(missing / (counts.len() - done) as u64);
        shares[*at].numbers = 0..share;
        missing -= share;
    }
    Ok(shares)
}
