//! Sudoku of 4×4, 6×6 and 9×9 cells. A board is a row-major `[side · side]` of
//! digits, 0 for a blank.

mod check;
mod columns;
mod fields;
mod fingerprint;
mod grids;
mod line;
mod lines;
mod make;
mod shuffle;
mod size;
mod solver;
mod table;

pub use check::{Rule, Violation, solves, violations};
pub use fingerprint::fingerprint;
pub use line::Line;
pub use lines::{parse_board, print};
pub use make::{Grade, Puzzle, grades_within, make, split_of};
pub use shuffle::Shuffle;
pub(crate) use shuffle::permutation;
pub use size::{Size, decode, encode};
pub use solver::{MOST_GUESSES, Solutions, Solved, solve};
pub use table::{parse, parse_one};
