//! Sudokus made by seed: of one solution, and as hard as asked for.

use std::ops::RangeInclusive;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use trm_spec::{NO_GUESS_LIMIT, SUDOKU_GRADES};

use super::fingerprint::fingerprint;
use super::shuffle::permutation;
use super::size::Size;
use super::solver::{fill, implies, rate};
use crate::draw::{draw, stream};
use crate::split::Split;

/// A board and its only solution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Puzzle {
    /// The given digits; 0 is empty.
    pub board: Vec<u8>,
    /// The only solution.
    pub solution: Vec<u8>,
    /// What [`solve`](super::solve) needs.
    pub guesses: usize,
}

/// How often a plain solver must guess, in names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Grade {
    /// Never.
    Easy,
    /// Up to 5 times.
    Medium,
    /// 6 to 15 times.
    Hard,
    /// 16 to 40 times.
    Harder,
    /// More than 40 times.
    Hardest,
}

impl Grade {
    /// All grades, the easiest first.
    pub const ALL: [Self; 5] = [Self::Easy, Self::Medium, Self::Hard, Self::Harder, Self::Hardest];

    /// Guesses of a plain solver.
    pub const fn guesses(self) -> RangeInclusive<usize> {
        let grade = SUDOKU_GRADES[self as usize];
        match grade.max_guesses {
            NO_GUESS_LIMIT => grade.min_guesses..=usize::MAX,
            most => grade.min_guesses..=most,
        }
    }

    /// The grade of a puzzle that needs so many guesses.
    pub fn of(guesses: usize) -> Self {
        let within = |grade: &Self| grade.guesses().contains(&guesses);
        Self::ALL.into_iter().find(within).expect("the grades leave no gap")
    }
}

/// The guesses of every grade that a puzzle within `guesses` can have, limited to these.
pub fn grades_within(guesses: &RangeInclusive<usize>) -> Vec<RangeInclusive<usize>> {
    let within = |grade: Grade| {
        let own = grade.guesses();
        *own.start().max(guesses.start())..=*own.end().min(guesses.end())
    };
    Grade::ALL.into_iter().map(within).filter(|both| !both.is_empty()).collect()
}

/// Boards that are tried before a grade counts as out of reach.
const ATTEMPTS: usize = 20_000;

/// One puzzle in so many is held out.
const HELD_OUT: u64 = 5;

/// Whether a puzzle is for training or held out. All augmented copies of a puzzle belong to the same.
pub fn split_of(size: Size, board: &[u8]) -> Split {
    if fingerprint(size, board).is_multiple_of(HELD_OUT) { Split::Val } else { Split::Train }
}

/// Puzzle `number` of a part, among those made with `seed` that need so many
/// guesses: a function of its arguments. `None` if none is found, which is so
/// for small boards and many guesses.
pub fn make(
    size: Size,
    guesses: &RangeInclusive<usize>,
    split: Split,
    seed: u64,
    number: u64,
) -> Option<Puzzle> {
    let mut generator = draw(seed, stream::MADE, number);
    (0..ATTEMPTS).find_map(|_| {
        attempt(size, guesses, &mut generator).filter(|p| split_of(size, &p.board) == split)
    })
}

fn attempt(
    size: Size,
    guesses: &RangeInclusive<usize>,
    generator: &mut ChaCha8Rng,
) -> Option<Puzzle> {
    let solution = fill(size, &mut |choices| generator.random_range(0..choices as u32) as usize);
    let mut board = solution.clone();
    for cell in permutation(size.cells(), generator) {
        board[cell] = 0;
        if !implies(size, &board, cell, solution[cell]) {
            board[cell] = solution[cell];
        }
    }
    // No clue can be spared now: as hard as this solution gets along this way.
    let mut blanks = permutation(size.cells(), generator);
    blanks.retain(|cell| board[*cell] == 0);
    let mut rating = rate(size, &board, *guesses.end());
    while rating.is_none() {
        let cell = blanks.pop().expect("a board whose every cell is given needs no guess");
        board[cell] = solution[cell];
        rating = rate(size, &board, *guesses.end());
    }
    // People's puzzles often have clues to spare; a clue more is never harder
    // where none needs a guess.
    if *guesses.end() == 0 {
        let spare = generator.random_range(0..=size.side() as u32) as usize;
        // One blank at least is left to be solved.
        for cell in blanks.iter().skip(1).take(spare) {
            board[*cell] = solution[*cell];
        }
    }
    let guessed = rating.filter(|rating| guesses.contains(rating))?;
    Some(Puzzle { board, solution, guesses: guessed })
}
