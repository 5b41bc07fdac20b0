//! Where puzzles come from, as plain data.

use std::path::PathBuf;

use super::maze::Style;
use super::sudoku::Size;

/// Where puzzles come from. What is made is a function of these values: of its
/// puzzles, those for training and those held out are never the same puzzle in
/// another guise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PuzzleSource {
    /// Sudokus with one solution for which a plain solver needs between
    /// `min_guesses` and `max_guesses` guesses.
    Sudoku { size: Size, min_guesses: usize, max_guesses: usize, seed: u64 },
    /// Square mazes of `side` cells, walls included.
    Maze { side: usize, style: Style, seed: u64 },
    /// Lines of characters, one Sudoku each.
    Lines(Place),
    /// A data folder of the official code, with `train` and `test`.
    Official(PathBuf),
    /// JSON files of ARC tasks; each task is also shown in `guises` other ways.
    Arc { tasks: Vec<Place>, guises: usize, seed: u64 },
}

/// A text: at hand, or in a file, which only a program with files can open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    Text { name: String, text: String },
    File(PathBuf),
}
