//! How fast puzzles are made on one core, Sudokus by grade:
//! `cargo run --release -p trm-data --example puzzle_rates`.

use std::time::{Duration, Instant};

use trm_data::Split;
use trm_data::puzzles::maze::{self, Style};
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
            if made == 0 {
                println!("{size:?} {grade:?}: none found");
                continue;
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
    for (side, style) in [10, 30]
        .into_iter()
        .flat_map(|side| [Style::Scattered, Style::Corridors].map(|style| (side, style)))
    {
        let (begin, mut made, mut steps) = (Instant::now(), 0_u64, 0);
        while begin.elapsed() < WHILE {
            let Some(path) = maze::make(side, style, Split::Train, 1, made)
                .and_then(|maze| maze::shortest(&maze))
            else {
                break;
            };
            made += 1;
            steps += path.len() - 1;
        }
        let rate = made as f64 / begin.elapsed().as_secs_f64();
        println!(
            "maze {side} {style:?}: {rate:.0} mazes/s, {:.1} steps",
            steps as f64 / made as f64
        );
    }
}
