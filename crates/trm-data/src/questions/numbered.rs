//! Generated questions by number: all questions of a kind and a difficulty are numbered
//! in an order of the seed, so that sets of different numbers have none in common.

use rand::RngExt;

use super::kind::QuestionKind;
use super::question::Question;
use crate::draw::{draw, stream};
use crate::epochs::Permutation;

/// The most numbers that are used for a difficulty, which may have more questions.
const MOST_NUMBERS: u64 = 1 << 62;

/// How many questions of `difficulty` have numbers: all there are, up to 2^62.
pub(super) fn different(kind: QuestionKind, difficulty: usize) -> u64 {
    numbers(&kind.choices(difficulty)).0
}

/// How many numbers the first of `choices` make, and of how many choices.
fn numbers(choices: &[u64]) -> (u64, usize) {
    let mut product = u64::from(!choices.is_empty());
    for (at, ways) in choices.iter().enumerate() {
        match product.checked_mul(*ways).filter(|more| *more <= MOST_NUMBERS) {
            Some(more) => product = more,
            None => return (product, at),
        }
    }
    (product, choices.len())
}

/// All questions of a kind and a difficulty. Consecutive numbers go through the ways
/// of the first choice, so that any set of them has all answers about equally often.
pub(super) struct Numbered {
    kind: QuestionKind,
    choices: Vec<u64>,
    /// How many of the choices a number makes; the others are drawn.
    counted: usize,
    /// Of the other choices, for each way of the first.
    orders: Vec<Permutation>,
    seed: u64,
}

impl Numbered {
    /// Needs a difficulty that has questions.
    pub fn new(kind: QuestionKind, difficulty: usize, seed: u64) -> Self {
        let choices = kind.choices(difficulty);
        let (different, counted) = numbers(&choices);
        let mut generator = draw(seed, stream::QUESTIONS_MADE, difficulty as u64);
        let seed = generator.random();
        let size = different / choices[0];
        let orders = (0..choices[0]).map(|_| Permutation { keys: generator.random(), size });
        Self { kind, counted, orders: orders.collect(), choices, seed }
    }

    /// Question `number`, which is below [`different`].
    pub fn question(&self, number: u64) -> Question {
        let first = self.choices[0];
        let mut rest = self.orders[(number % first) as usize].at(number / first);
        let mut generator = draw(self.seed, stream::QUESTIONS_MADE, number);
        let choices = self.choices.iter().enumerate().map(|(at, ways)| match at {
            0 => (number % first) as usize,
            at if at < self.counted => {
                let choice = rest % ways;
                rest /= ways;
                choice as usize
            }
            _ => generator.random_range(0..*ways) as usize,
        });
        self.kind.question(&choices.collect::<Vec<_>>())
    }
}
