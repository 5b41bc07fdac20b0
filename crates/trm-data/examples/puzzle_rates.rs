//! How fast puzzles are made on one core, by grade:
//! `cargo run --release -p trm-data --example puzzle_rates`.

use std::time::{Duration, Instant};

use trm_data::Split;
use trm_data::puzzles::sudoku::{self, Grade, Size};

/// How long each grade is tried.
const WHILE: Duration = Duration::from_secs(4);

fn main() {
    for size in Size::ALL {
        for grade in Grade::ALL {
            let (begin, mut made, mut clues, mut guesses) = (Instant::now(), 0_u64, 0, 0);
            while begin.elapsed() < WHILE {
                let Some(puzzle) = sudoku::make(size, &grade.guesses(), Split::Train, 1, made)
                else {
                    break;
                };
                made += 1;
                clues += puzzle.board.iter().filter(|digit| **digit != 0).count();
                guesses += puzzle.guesses;
            }
            let rate = made as f64 / begin.elapsed().as_secs_f64();
            let mean = |sum: usize| sum as f64 / made as f64;
            println!(
                "{size:?} {grade:?}: {rate:.0} puzzles/s, {:.1} clues, {:.1} guesses",
                mean(clues),
                mean(guesses)
            );
        }
    }
}
