//! A puzzle of a file.

use super::size::Size;

/// A line of a file: a puzzle, and its answer where the line has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Line of the file, from 1.
    pub number: usize,
    /// Of both boards.
    pub size: Size,
    /// The puzzle: row-major, 0 for a blank, at least one blank.
    pub board: Vec<u8>,
    /// The solution, which keeps the rules and the puzzle's digits.
    pub answer: Option<Vec<u8>>,
}
